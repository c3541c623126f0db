// The few things that need JavaScript: copying, downloading and printing backup codes, copying the key, showing a password,
// ignoring a click too many, counting down to the next code.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  beginAddress, beginEnrolment, button, confirmSaved, enterCode, enterPassword, expectHeading, expectText, link, readCodes,
  register, scan, signOut,
} from './lib/steps.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-scripts');
const { it, visit } = shared;
const scripted = { javaScriptEnabled: true, permissions: ['clipboard-read', 'clipboard-write'] };
const pasted = (tab) => tab.evaluate(() => navigator.clipboard.readText());

it('the key and the backup codes are copied, downloaded and printed', async () => {
  const who = person();
  await visit(async (tab) => {
    await tab.addInitScript(() => {
      window.printed = 0;
      window.print = () => { window.printed += 1; };
    });
    await register(tab, shared.server.origin, who);
    await beginEnrolment(tab, who);
    who.authenticator = await scan(tab);
    await tab.locator('summary', { hasText: /scan/i }).click();
    await button(tab, /copy/i);
    assert.equal(await pasted(tab), who.authenticator.secret);
    await enterCode(tab, await who.authenticator.next());
    const codes = await readCodes(tab);
    await button(tab, /^copy$/i);
    await tab.getByText('Copied.').waitFor();
    assert.deepEqual((await pasted(tab)).trim().split('\n'), codes);
    const [download] = await Promise.all([tab.waitForEvent('download'), button(tab, /download/i)]);
    assert.match(download.suggestedFilename(), /\.txt$/);
    const file = await readFile(await download.path(), 'utf8');
    for (const code of codes) assert.ok(file.includes(code), 'a code is missing in the downloaded file');
    assert.ok(file.includes(who.name));
    await button(tab, /print/i);
    assert.equal(await tab.evaluate(() => window.printed), 1);
    await tab.emulateMedia({ media: 'print' });
    assert.equal(await tab.getByRole('button', { name: /copy/i }).isVisible(), false, 'paper has no buttons');
    assert.equal(await tab.getByText(codes[9]).isVisible(), true);
    await tab.emulateMedia({ media: 'screen' });
    await confirmSaved(tab);
    await expectHeading(tab, /multi-factor/i);
  }, scripted);
});

it('a typed password can be shown, is hidden again when sent, and can be pasted', async () => {
  await visit(async (tab) => {
    await tab.goto(`${shared.server.origin}/login`);
    const field = tab.locator('input[autocomplete="current-password"]');
    const show = tab.getByRole('button', { name: /show password/i });
    await tab.evaluate(() => navigator.clipboard.writeText('pasted password'));
    await field.focus();
    await tab.keyboard.press('Control+V');
    assert.equal(await field.inputValue(), 'pasted password');
    assert.equal(await show.getAttribute('aria-pressed'), 'false');
    await show.click();
    assert.equal(await field.getAttribute('type'), 'text');
    assert.equal(await show.getAttribute('aria-pressed'), 'true');
    await show.click();
    assert.equal(await field.getAttribute('type'), 'password');
  }, scripted);
});

it('a double click sends a form once, so that the backup codes are not lost', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, shared.server.origin, who);
    await beginEnrolment(tab, who);
    who.authenticator = await scan(tab);
    await tab.getByRole('textbox', { name: /code/i }).fill(await who.authenticator.next());
    const sent = [];
    tab.on('request', (request) => { if (request.method() === 'POST') sent.push(request.url()); });
    await tab.getByRole('button', { name: /^confirm$/i }).dblclick();
    await readCodes(tab);
    assert.equal(sent.length, 1, sent.join('\n'));
    await confirmSaved(tab);
    await expectHeading(tab, /multi-factor/i);
  }, scripted);
});

it('a form works again after the back button', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, shared.server.origin, who);
    await signOut(tab);
    await tab.goto(`${shared.server.origin}/login`);
    await enterPassword(tab, who, 'not the password at all');
    await expectHeading(tab, /^sign in/i);
    await tab.goBack();
    await expectHeading(tab, /^sign in/i);
    assert.equal(await tab.locator('form[aria-busy]').count(), 0);
    await enterPassword(tab, who);
    await expectHeading(tab, /your account/i);
    await tab.evaluate(() => {
      document.querySelector('form').setAttribute('aria-busy', 'true');
      dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    });
    await signOut(tab);
  }, scripted);
});

it('the next code is counted down to, told now and then, and its button waits', async () => {
  const who = person();
  await visit(async (tab) => {
    await tab.clock.install();
    await register(tab, shared.server.origin, who);
    await link(tab, /multi-factor authentication/i);
    await beginAddress(tab, who);
    const another = tab.getByRole('button', { name: /send another code/i });
    const line = tab.getByText(/another code can be sent/i).first();
    assert.match(await line.innerText(), /another code can be sent in (1:00|0:5\d)\./i);
    assert.equal(await another.isDisabled(), true);
    await tab.evaluate(() => {
      window.told = [];
      const status = document.getElementById('again-status');
      new MutationObserver(() => window.told.push(status.textContent)).observe(status, { childList: true });
    });
    assert.equal(await tab.locator('#again-status').getAttribute('role'), 'status');
    await tab.clock.runFor(40_000);
    assert.match(await line.innerText(), /in 0:[12]\d\./);
    assert.equal(await another.isDisabled(), true);
    await tab.clock.runFor(30_000);
    assert.match(await line.innerText(), /another code can be sent now/i);
    assert.equal(await another.isDisabled(), false);
    const told = await tab.evaluate(() => window.told);
    assert.equal(told.length, 3, told.join('\n'));
    assert.match(told.at(-1), /now/);
  }, scripted);
  await visit(async (tab) => {
    await tab.goto(`${shared.server.origin}/login`);
    await enterPassword(tab, who);
    await link(tab, /multi-factor authentication/i);
    await beginAddress(tab, { ...who, email: `second.${who.email}` });
    await expectText(tab, /another code can be sent from \d\d:\d\d:\d\d/i);
    assert.equal(await tab.getByRole('button', { name: /send another code/i }).isDisabled(), false);
  });
});

it('scripts are few and pages come from here alone', async () => {
  await visit(async (tab) => {
    let bytes = 0;
    tab.on('response', async (response) => {
      if (response.request().resourceType() === 'script') bytes += (await response.body()).length;
    });
    for (const path of ['/', '/login', '/register']) {
      await tab.goto(shared.server.origin + path, { waitUntil: 'networkidle' });
    }
    assert.ok(bytes <= 60_000, `${bytes} bytes of scripts`);
  }, scripted);
});

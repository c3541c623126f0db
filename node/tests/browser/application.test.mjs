// Signing in to applications through the provider, in a browser with JavaScript off, as people really use one: several
// tabs, the back button, impatient clicks, a tab from yesterday.
import assert from 'node:assert/strict';
import {
  button, confirmSaved, enrol, enterCode, enterPassword, expectHeading, expectText, fillRegistration, heading, link, register,
} from './lib/steps.mjs';
import { Application } from './lib/application.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-application', async (all) => {
  all.application = await Application.open(all.server);
  all.closing.unshift(() => all.application.close());
});
const { it, visit } = shared;
const origin = () => shared.server.origin;
const album = (path = '/') => `${shared.application.origin}${path}`;

/** A registered person whose browser is left behind. */
async function member() {
  const who = person();
  await visit((tab) => register(tab, origin(), who));
  return who;
}

async function allow(tab) {
  await expectHeading(tab, /allow photo album/i);
  await button(tab, /^allow$/i);
}

it('a newcomer registers on the way to an application, is asked for consent once, and leaves again', async () => {
  const who = person();
  await visit(async (tab) => {
    await tab.goto(album());
    await link(tab, /sign in/i);
    await expectText(tab, /photo album/i);
    await expectText(tab, shared.application.origin);
    await link(tab, /create an account/i);
    await fillRegistration(tab, who);
    await expectHeading(tab, /allow photo album/i);
    await expectText(tab, /user name/i);
    await expectText(tab, /e-mail address/i);
    await button(tab, /^allow$/i);
    await expectHeading(tab, /welcome to the album/i);
    assert.deepEqual(shared.application.claims.amr, ['pwd']);
    await tab.goto(album('/start'));
    await expectHeading(tab, /welcome to the album/i);
    await link(tab, /leave/i);
    await expectHeading(tab, /back at the album, signed out/i);
    await tab.goto(`${origin()}/account`);
    await expectHeading(tab, /^sign in/i);
  });
});

it('an enrolled person signs in with a code, and the application learns it', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await enrol(tab, who);
    await confirmSaved(tab);
  });
  await visit(async (tab) => {
    await tab.goto(album('/start'));
    await enterPassword(tab, who);
    await expectHeading(tab, /verification code/i);
    await expectText(tab, /photo album/i);
    await enterCode(tab, await who.authenticator.next());
    await allow(tab);
    await expectHeading(tab, /welcome to the album/i);
    assert.deepEqual([...shared.application.claims.amr].sort(), ['mfa', 'otp', 'pwd']);
  });
});

it('an application that wants its answer posted gets it by a button', async () => {
  const who = await member();
  await visit(async (tab) => {
    await tab.goto(album('/start?response_mode=form_post'));
    await enterPassword(tab, who);
    await allow(tab);
    await button(tab, /continue/i);
    await expectHeading(tab, /welcome to the album/i);
  });
});

it('a person who says no goes back without a sign-in', async () => {
  const who = await member();
  await visit(async (tab) => {
    await tab.goto(album('/start'));
    await enterPassword(tab, who);
    await expectHeading(tab, /allow photo album/i);
    await button(tab, /^deny$/i);
    await expectHeading(tab, /refused: access_denied/i);
  });
});

it('sign-ins in several tabs at once do not disturb each other', async () => {
  const who = await member();
  await visit(async (first, visitor) => {
    const [second, third] = [await visitor.tab(), await visitor.tab()];
    for (const tab of [first, second, third]) {
      await tab.goto(album('/start'));
      await expectHeading(tab, /^sign in/i);
    }
    for (const tab of [second, first, third]) {
      await enterPassword(tab, who);
      if (/allow/i.test(await heading(tab))) await allow(tab);
      await expectHeading(tab, /welcome to the album/i);
    }
  });
});

it('the back button and a reload do no harm', async () => {
  const who = await member();
  await visit(async (tab) => {
    await tab.goto(album('/start'));
    await enterPassword(tab, who);
    await allow(tab);
    await expectHeading(tab, /welcome to the album/i);
    await tab.goBack();
    if (/allow/i.test(await heading(tab))) {
      await button(tab, /^allow$/i);
      await tab.waitForLoadState();
    }
    await tab.goto(`${origin()}/account`);
    await expectHeading(tab, /your account/i);
    await tab.reload();
    await expectHeading(tab, /your account/i);
  });
});

it('a click too many does no harm', async () => {
  const who = await member();
  await visit(async (tab) => {
    await tab.goto(album('/start'));
    await tab.getByLabel(/user name/i).fill(who.name);
    await tab.getByLabel(/^password/i).fill(who.password);
    await tab.getByRole('button', { name: /^sign in$/i }).dblclick();
    await expectHeading(tab, /allow photo album/i);
    await tab.getByRole('button', { name: /^allow$/i }).dblclick();
    await expectHeading(tab, /welcome to the album/i);
  });
});

it('a form from before the cookies were cleared leads to a page that says how to go on', async () => {
  const who = await member();
  await visit(async (tab, visitor) => {
    await tab.goto(album('/start'));
    await visitor.context.clearCookies();
    await enterPassword(tab, who);
    assert.ok((await heading(tab)).length > 0);
    const again = tab.getByRole('link', { name: /start again|sign in|try again/i });
    assert.ok(await again.count(), `no way on from: ${await tab.locator('main').innerText()}`);
    await again.first().click();
    await enterPassword(tab, who);
    await tab.waitForLoadState();
    assert.match(await heading(tab), /your account|allow photo album|welcome/i);
  });
});

it('a sign-in form that was completed in another tab leads to the account, without harm to the other', async () => {
  const who = await member();
  await visit(async (first, visitor) => {
    const second = await visitor.tab();
    await first.goto(`${origin()}/login`);
    await second.goto(`${origin()}/login`);
    await enterPassword(second, who);
    await expectHeading(second, /your account/i);
    await enterPassword(first, who);
    await expectHeading(first, /your account/i);
    await second.reload();
    await expectHeading(second, /your account/i);
  });
});

it('a request with an address that was not registered never leaves the provider', async () => {
  await visit(async (tab) => {
    await tab.goto(album('/start?redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2Felsewhere'));
    assert.equal(new URL(tab.url()).origin, origin());
    assert.match(await tab.title(), /^Error/);
  });
});

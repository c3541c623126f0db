// A person's life with an account, in a browser with JavaScript off: register, enrol by the QR code on the screen, sign in
// with codes and backup codes, renew and remove factors, change the password, look after sessions.
import assert from 'node:assert/strict';
import {
  beginAddress, beginEnrolment, beginPhone, button, confirmSaved, enrol, enterCode, enterPassword, expectHeading, expectText, heading, link,
  proveAgain, readCodes, register, scan, signIn, signOut,
} from './lib/steps.mjs';
import { mailedCode, mailedLink, textedCode } from './lib/inbox.mjs';
import { passphrase, person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-account');
const { it, visit } = shared;
const origin = () => shared.server.origin;

/** A registered person, enrolled where asked, whose browser is left behind. */
async function member({ enrolled = false } = {}) {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    if (!enrolled) return;
    await enrol(tab, who);
    await confirmSaved(tab);
  });
  return who;
}

/** To the page that asks for a code. */
async function toCode(tab, who) {
  await tab.goto(`${origin()}/login`);
  await enterPassword(tab, who);
  await expectHeading(tab, /verification code/i);
}

async function signInByBackupCode(tab, who, code) {
  await toCode(tab, who);
  await link(tab, /backup code/i);
  await expectHeading(tab, /backup code/i);
  await enterCode(tab, code);
}

it('registration signs in, the QR code on the screen enrols, sign-in then asks for a code', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await expectText(tab, who.name);
    await beginEnrolment(tab, who);
    who.authenticator = await scan(tab);
    await tab.reload();
    assert.equal((await scan(tab)).secret, who.authenticator.secret, 'a reload must show the same key');
    await enterCode(tab, await who.authenticator.next());
    who.codes = await readCodes(tab);
    await confirmSaved(tab);
    await expectHeading(tab, /multi-factor authentication/i);
    await expectText(tab, /10 unused backup codes/i);
    await signOut(tab);
    await signIn(tab, origin(), who);
    await signOut(tab);
    await signInByBackupCode(tab, who, who.codes[4]);
    await expectHeading(tab, /your account/i);
    await expectText(tab, /9 backup codes left/i);
  });
});

it('codes are taken as phones show them, and refused with the reason in words', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await toCode(tab, who);
    await enterCode(tab, await who.authenticator.wrong());
    await expectHeading(tab, /verification code/i);
    assert.match(await tab.title(), /^Error/);
    assert.equal(await tab.getByRole('alert').count(), 1);
    assert.equal(await tab.getByRole('textbox', { name: /verification code/i }).getAttribute('aria-invalid'), 'true');
    await enterCode(tab, (await who.authenticator.next()).replace(/^(...)/, '$1 '));
    await expectHeading(tab, /your account/i);
  });
});

it('a backup code is good once', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signInByBackupCode(tab, who, who.codes[0].toLowerCase());
    await expectHeading(tab, /your account/i);
    await signOut(tab);
    await signInByBackupCode(tab, who, who.codes[0]);
    await expectHeading(tab, /backup code/i);
    assert.match(await tab.title(), /^Error/);
  });
});

it('new backup codes replace the old ones, and the page does not let go without a tick', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await link(tab, /multi-factor authentication/i);
    await link(tab, /new backup codes/i);
    await proveAgain(tab, who);
    await expectHeading(tab, /new backup codes/i);
    await button(tab, /new backup codes/i);
    const codes = await readCodes(tab);
    assert.ok(codes.every((code) => !who.codes.includes(code)));
    await button(tab, /continue/i);
    assert.match(await heading(tab), /save your backup codes/i, 'the tick is required');
    await confirmSaved(tab);
    await expectHeading(tab, /multi-factor authentication/i);
    await signOut(tab);
    await signInByBackupCode(tab, who, who.codes[0]);
    assert.match(await tab.title(), /^Error/);
    await signInByBackupCode(tab, who, codes[0]);
    await expectHeading(tab, /your account/i);
  });
});

it('the authenticator app is given another name', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await link(tab, /multi-factor authentication/i);
    await link(tab, /^rename/i);
    await expectHeading(tab, /rename authenticator/i);
    await tab.getByLabel(/name of the authenticator app/i).fill('Tablet at home');
    await button(tab, /^rename/i);
    await expectText(tab, /authenticator app was renamed/i);
    await expectText(tab, /tablet at home/i);
  });
});

it('the authenticator app is removed behind a fresh proof', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await link(tab, /multi-factor authentication/i);
    await link(tab, /^remove/i);
    await proveAgain(tab, who);
    await expectHeading(tab, /remove authenticator/i);
    await button(tab, /^remove/i);
    await expectText(tab, /authenticator app was removed/i);
    await signOut(tab);
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /your account/i);
  });
});

it('in a trusted browser the password is enough, until it is forgotten', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await toCode(tab, who);
    const box = tab.getByRole('checkbox', { name: /trust this browser for 30 days/i });
    assert.equal(await box.isChecked(), false, 'nobody trusts by default');
    await box.check();
    await enterCode(tab, await who.authenticator.wrong());
    assert.equal(await box.isChecked(), true, 'a wrong code does not untick it');
    await enterCode(tab, await who.authenticator.next());
    await expectHeading(tab, /your account/i);
    await signOut(tab);
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /your account/i);
    await tab.goto(`${origin()}/account/sessions`);
    await button(tab, /^forget/i);
    await expectText(tab, /not trusted any more/i);
    await signOut(tab);
    await toCode(tab, who);
  });
});

it('a changed password is the only one that works', async () => {
  const who = await member();
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await link(tab, /change password/i);
    await proveAgain(tab, who);
    await tab.getByLabel(/current password/i).fill(who.password);
    const next = passphrase();
    await tab.getByLabel(/new password/i).fill(next);
    await button(tab, /change password/i);
    await expectText(tab, /password was changed/i);
    await signOut(tab);
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /^sign in/i);
    assert.match(await tab.title(), /^Error/);
    assert.equal(await tab.getByLabel(/user name/i).inputValue(), who.name, 'the name stays in the form');
    assert.equal(await tab.getByLabel(/^password/i).inputValue(), '', 'the password does not');
    await enterPassword(tab, who, next);
    await expectHeading(tab, /your account/i);
  });
});

it('sessions are seen and ended, one by one and all together', async () => {
  const who = await member();
  await visit(async (first) => {
    await signIn(first, origin(), who);
    await visit(async (second) => {
      await signIn(second, origin(), who);
      await first.goto(`${origin()}/account/sessions`);
      await expectText(first, /this browser/i);
      const rows = first.getByRole('button', { name: /end session/i });
      const before = await rows.count();
      for (let left = before; left > 0; left -= 1) {
        await rows.first().click();
        await expectText(first, /session was ended/i);
        assert.equal(await rows.count(), left - 1);
      }
      await second.goto(`${origin()}/account`);
      await expectHeading(second, /^sign in/i);
      await enterPassword(second, who);
      await first.reload();
      await button(first, /sign out everywhere/i);
      await second.goto(`${origin()}/account`);
      await expectHeading(second, /^sign in/i);
    });
    await first.goto(`${origin()}/account`);
    await expectHeading(first, /^sign in/i);
  });
});

it('after five wrong passwords the page says when to come back', async () => {
  const who = await member();
  await visit(async (tab) => {
    await tab.goto(`${origin()}/login`);
    for (let count = 0; count < 5; count += 1) {
      await enterPassword(tab, who, passphrase());
      await expectHeading(tab, /^sign in/i);
    }
    const answer = tab.waitForResponse((response) => response.request().method() === 'POST');
    await enterPassword(tab, who);
    const { status, headers } = await answer.then((response) => ({ status: response.status(), headers: response.headers() }));
    assert.equal(status, 429);
    const seconds = Number(headers['retry-after']);
    assert.ok(seconds > 0 && seconds <= 33, `the first cool-down is 30 s and up to a tenth, not ${seconds}`);
    await expectText(tab, /try again at/i);
    assert.match(await tab.locator('time').first().getAttribute('datetime'), /^\d{4}-\d\d-\d\dT/);
  });
});

it('codes by e-mail: an address is confirmed, its codes are asked for, another one is sent, the address is removed', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await link(tab, /multi-factor authentication/i);
    assert.equal(await tab.getByLabel(/e-mail address/i).inputValue(), who.email, 'the address of the account is proposed');
    await beginAddress(tab, who);
    await enterCode(tab, await mailedCode(origin(), who));
    who.codes = await readCodes(tab);
    await confirmSaved(tab);
    await expectHeading(tab, /multi-factor authentication/i);
    await expectText(tab, /e-mail codes/i);
    await signOut(tab);
  });
  await visit(async (tab) => {
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /code from your e-mail/i);
    const code = await mailedCode(origin(), who);
    await tab.reload();
    await button(tab, /send another code/i);
    await expectText(tab, /cannot be sent yet/i);
    await enterCode(tab, code);
    await expectHeading(tab, /your account/i);
    await link(tab, /manage multi-factor/i);
    await link(tab, /^remove/i);
    await expectHeading(tab, /stop e-mail codes/i);
    await button(tab, /stop e-mail codes/i);
    await expectText(tab, /no more codes are sent/i);
    await signOut(tab);
    await signIn(tab, origin(), who);
  });
});

it('whoever has an app and an address may choose, and a backup code works for both', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await tab.goto(`${origin()}/account/mfa`);
    await beginAddress(tab, who);
    await enterCode(tab, await mailedCode(origin(), who));
    await expectText(tab, /codes can be sent/i);
    await signOut(tab);
    await toCode(tab, who);
    await link(tab, /get a code by e-mail/i);
    await expectHeading(tab, /get a code by e-mail/i);
    await button(tab, /send a code to/i);
    await expectHeading(tab, /code from your e-mail/i);
    await link(tab, /use a backup code/i);
    await expectHeading(tab, /backup code/i);
    await link(tab, /get a code by e-mail/i);
    await enterCode(tab, await mailedCode(origin(), who));
    await expectHeading(tab, /your account/i);
  });
});

it('codes by text message: a number is confirmed, its codes are asked for, the other ways are offered, the number is removed', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await tab.goto(`${origin()}/account/mfa`);
    await beginPhone(tab, who);
    await enterCode(tab, await textedCode(origin(), who));
    who.codes = await readCodes(tab);
    await confirmSaved(tab);
    await expectText(tab, /codes by text message/i);
    await beginAddress(tab, who);
    await enterCode(tab, await mailedCode(origin(), who));
    await expectText(tab, /codes can be sent/i);
    await signOut(tab);
  });
  await visit(async (tab) => {
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /code from your text message/i);
    await link(tab, /get a code by e-mail/i);
    await expectHeading(tab, /get a code by e-mail/i);
    await link(tab, /get a code by text message/i);
    const field = tab.getByLabel(/verification code/i);
    assert.equal(await field.getAttribute('autocomplete'), 'one-time-code');
    await enterCode(tab, await textedCode(origin(), who));
    await expectHeading(tab, /your account/i);
    await expectText(tab, /codes to 1 phone number/i);
    await link(tab, /manage multi-factor/i);
    await link(tab, new RegExp(`remove \\${who.number}`, 'i'));
    await expectHeading(tab, /stop codes by text message/i);
    await button(tab, /stop codes by text message/i);
    await expectText(tab, /no more codes are sent to the phone number/i);
  });
});

it('a browser that reads text messages fills in the code of the newest one, and leaves the rest to the button', async () => {
  const who = person();
  await shared.visit(async (tab) => {
    // What Chromium does on a phone: it hands the code over once the page asks for it.
    await tab.addInitScript(() => {
      window.OTPCredential ??= class {};
      const get = navigator.credentials.get.bind(navigator.credentials);
      navigator.credentials.get = (wanted) => (wanted?.otp
        ? new Promise((resolve) => {
          window.texted = (code) => resolve({ type: 'otp', code });
          window.asked = wanted.otp.transport;
        })
        : get(wanted));
    });
    await register(tab, origin(), who);
    await tab.goto(`${origin()}/account/mfa`);
    await beginPhone(tab, who);
    await tab.waitForFunction(() => window.asked);
    assert.deepEqual(await tab.evaluate(() => window.asked), ['sms']);
    const code = await textedCode(origin(), who);
    await tab.evaluate((it) => window.texted(it), code);
    await tab.waitForFunction((it) => document.getElementById('code').value === it, code);
    await button(tab, /^confirm$/i);
    await readCodes(tab);
  }, { javaScriptEnabled: true });
});

it('a forgotten password is set anew by a link in the mail, and the second step is asked for as before', async () => {
  const who = await member({ enrolled: true });
  await visit(async (tab) => {
    await signIn(tab, origin(), who);
    await tab.goto(`${origin()}/account/mfa`);
    await beginAddress(tab, who);
    await enterCode(tab, await mailedCode(origin(), who));
    await expectText(tab, /codes can be sent/i);
    await signOut(tab);
    await tab.goto(`${origin()}/login`);
    await link(tab, /forgot/i);
    await expectHeading(tab, /forgot your password/i);
    await tab.getByLabel(/user name/i).fill(who.name);
    await button(tab, /send a link/i);
    await expectHeading(tab, /look into your mail/i);
    await tab.goto(`${origin()}${await mailedLink(origin(), who)}`);
    await expectHeading(tab, /choose a new password/i);
    who.password = passphrase();
    await tab.getByLabel(/new password/i).fill(who.password);
    await button(tab, /set new password/i);
    await signIn(tab, origin(), who);
  });
});

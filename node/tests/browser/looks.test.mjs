// Every page as people see it: light and dark, wide and narrow. axe-core must find nothing serious, nothing may scroll
// sideways, and pictures of all of it are kept in `target/screenshots`.
import assert from 'node:assert/strict';
import {
  beginAddress, beginEnrolment, beginPhone, button, confirmSaved, enterCode, enterPassword, expectHeading, expectText, link, proveAgain, readCodes,
  register, scan, signOut,
} from './lib/steps.mjs';
import { Application } from './lib/application.mjs';
import { mailedCode, mailedLink, textedCode } from './lib/inbox.mjs';
import { look } from './lib/looks.mjs';
import { PHONE, Passkeys } from './lib/passkeys.mjs';
import { passphrase, person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-looks', async (all) => {
  all.application = await Application.open(all.server, { name: 'The long-named photo album of the Example family' });
  all.closing.unshift(() => all.application.close());
}, { DOORWARD__REGISTRATION__BY: 'either' });
const { it } = shared;
const visit = (body) => shared.visit(body, { javaScriptEnabled: true });
const at = (path) => `${shared.server.origin}${path}`;

it('the pages of a visitor', () => visit(async (tab) => {
  await tab.goto(at('/'));
  await look(tab, 'front');
  await tab.goto(at('/register'));
  await look(tab, 'register');
  await tab.getByLabel(/user name/i).fill('nobody-yet');
  await tab.getByLabel(/^password/i).fill('passwordpassword');
  await button(tab, /create account/i);
  await look(tab, 'register-error');
  await tab.goto(at('/login'));
  await look(tab, 'login');
  await link(tab, /forgot/i);
  await look(tab, 'forgot');
  await tab.getByLabel(/user name/i).fill('nobody-yet');
  await button(tab, /send a link/i);
  await look(tab, 'forgot-sent');
  await tab.goto(at('/no-such-page'));
  await look(tab, 'not-found');
  await tab.goto(`${shared.application.origin}/start?redirect_uri=https%3A%2F%2Felsewhere.example%2F`);
  await look(tab, 'bad-request');
}));

it('the pages of an account without and with a second factor', () => visit(async (tab, visitor) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await look(tab, 'account-registered');
  await tab.goto(at('/'));
  await look(tab, 'front-signed-in');
  await tab.goto(at('/account/mfa'));
  await look(tab, 'mfa-off');
  await tab.goto(at('/account'));
  await beginEnrolment(tab, who);
  await look(tab, 'totp-enrol');
  await lookAtKey(tab);
  await tab.emulateMedia({ colorScheme: 'dark' });
  await tab.setViewportSize({ width: 320, height: 640 });
  who.authenticator = await scan(tab);
  await enterCode(tab, await who.authenticator.wrong());
  await look(tab, 'totp-enrol-error');
  await enterCode(tab, await who.authenticator.next());
  who.codes = await readCodes(tab);
  await look(tab, 'backup-codes');
  await visitor.tab().then(async (other) => {
    await other.goto(at('/account/mfa'));
    await look(other, 'mfa-unsaved');
    await other.close();
  });
  await tab.locator('form').last().evaluate((form) => { form.noValidate = true; });
  await button(tab, /continue/i);
  await look(tab, 'backup-codes-unsaved');
  await confirmSaved(tab);
  await look(tab, 'mfa-on');
  await tab.goto(at('/account'));
  await look(tab, 'account-enrolled');
  await tab.goto(at('/account/sessions'));
  await look(tab, 'sessions');
  await tab.goto(at('/account/reauthenticate?to=%2Faccount%2Fmfa'));
  await look(tab, 'reauthenticate');
  await tab.goto(at('/account/mfa/backup-codes'));
  await proveAgain(tab, who);
  await look(tab, 'backup-codes-regenerate');
  await tab.goto(at('/account/mfa'));
  await link(tab, /^remove/i);
  await proveAgain(tab, who);
  await look(tab, 'totp-remove');
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await tab.getByRole('checkbox', { name: /trust/i }).check();
  await enterCode(tab, await who.authenticator.wrong());
  await look(tab, 'totp-trust');
  await enterCode(tab, await who.authenticator.next());
  await expectHeading(tab, /your account/i);
  await tab.goto(at('/account/sessions'));
  await look(tab, 'sessions-trusted');
  await tab.goto(at('/account/password'));
  await proveAgain(tab, who);
  await look(tab, 'password');
  await tab.getByLabel(/current password/i).fill(passphrase());
  await tab.getByLabel(/new password/i).fill(passphrase());
  await button(tab, /change password/i);
  await look(tab, 'password-error');
  await tab.goto(at('/oauth/logout'));
  await look(tab, 'logout');
  await button(tab, /^sign out$/i);
  await expectHeading(tab, /signed out/i);
  await look(tab, 'logged-out');
  shared.who = who;
}));

async function lookAtKey(tab) {
  await tab.locator('summary', { hasText: /scan/i }).click();
  await look(tab, 'totp-enrol-key');
}

/**
 * Asks for another code at once. A script keeps the button back until one can be sent, and says so anew each second; without scripts it
 * is live. So it is pressed in the same breath.
 */
async function tooEarly(tab) {
  const another = tab.getByRole('button', { name: /send another code/i });
  await Promise.all([tab.waitForNavigation(), another.evaluate((one) => { one.disabled = false; one.click(); })]);
}

it('the pages of codes by e-mail', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await tab.goto(at('/account/mfa'));
  await beginAddress(tab, who);
  await look(tab, 'email-enrol');
  await enterCode(tab, '12345');
  await look(tab, 'email-enrol-error');
  await enterCode(tab, await mailedCode(shared.server.origin, who));
  await readCodes(tab);
  await confirmSaved(tab);
  await tab.goto(at('/account/mfa'));
  await look(tab, 'mfa-email');
  await link(tab, /^remove/i);
  await look(tab, 'email-remove');
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await look(tab, 'email-code');
  await tooEarly(tab);
  await look(tab, 'email-code-early');
  await tab.goto(at('/dev/inbox'));
  await look(tab, 'inbox');
}));

it('the pages of who registers under an address', () => visit(async (tab) => {
  const who = person();
  await tab.goto(`${shared.application.origin}/start`);
  await link(tab, /create an account/i);
  await link(tab, /use your e-mail address/i);
  await look(tab, 'register-email');
  await tab.locator('form').last().evaluate((form) => { form.noValidate = true; });
  await tab.getByLabel(/e-mail address/i).fill('amelia');
  await button(tab, /send a link/i);
  await look(tab, 'register-email-error');
  await tab.getByLabel(/e-mail address/i).fill(who.email);
  await button(tab, /send a link/i);
  await look(tab, 'register-email-sent');
  await tab.goto(at(await mailedLink(shared.server.origin, who, '/register/confirm')));
  await look(tab, 'register-confirm');
  await tab.getByLabel(/^password/i).fill('passwordpassword');
  await button(tab, /create account/i);
  await look(tab, 'register-confirm-error');
  await tab.getByLabel(/^password/i).fill(who.password);
  await button(tab, /create account/i);
  await expectHeading(tab, /^allow/i);
}));

it('the pages of links beside codes', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await tab.goto(at('/account/mfa'));
  await beginAddress(tab, who);
  const activation = at(await mailedLink(shared.server.origin, who, '/account/mfa/email/link'));
  await tab.goto(activation);
  await look(tab, 'address-link');
  await shared.visit(async (other) => {
    await other.goto(activation);
    await look(other, 'link-elsewhere-address');
  }, { javaScriptEnabled: true });
  await button(tab, /^confirm$/i);
  await readCodes(tab);
  await confirmSaved(tab);
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  const completion = at(await mailedLink(shared.server.origin, who, '/login/link'));
  await tab.goto(completion);
  await look(tab, 'login-link');
  await shared.visit(async (other) => {
    await other.goto(completion);
    await look(other, 'link-elsewhere-login');
  }, { javaScriptEnabled: true });
}));

it('the pages of codes by text message', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await tab.goto(at('/account/mfa'));
  await tab.getByLabel(/phone number/i).fill('0151 12345678');
  await button(tab, /send a code to this number/i);
  await look(tab, 'mfa-phone-error');
  await beginPhone(tab, who);
  await look(tab, 'sms-enrol');
  await enterCode(tab, await textedCode(shared.server.origin, who));
  await readCodes(tab);
  await confirmSaved(tab);
  await tab.goto(at('/account/mfa'));
  await look(tab, 'mfa-phone');
  await link(tab, /^remove/i);
  await look(tab, 'sms-remove');
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await look(tab, 'sms-code');
  await tooEarly(tab);
  await look(tab, 'sms-code-early');
  await tab.goto(at('/dev/inbox'));
  await look(tab, 'inbox-sms');
}));

it('the pages of policies', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await signOut(tab);
  const policy = async (role, ...words) => {
    await shared.server.command('policy', 'set', '--role', role, ...words);
    await shared.server.command('user', 'role', 'give', who.name, role);
  };
  await policy('invited', '--mode', 'recommended');
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /protect your account/i);
  await look(tab, 'recommended');
  await button(tab, /not now/i);
  await expectHeading(tab, /your account/i);
  await policy('obliged', '--mode', 'required');
  await tab.goto(at('/account'));
  await expectHeading(tab, /multi-factor authentication/i);
  await look(tab, 'mfa-needed');
  await tab.goto(`${shared.application.origin}/start`);
  await expectText(tab, /before you go on to/i);
  await look(tab, 'mfa-needed-by-application');
  await button(tab, /set up/i);
  who.authenticator = await scan(tab);
  await enterCode(tab, await who.authenticator.next());
  await readCodes(tab);
  await confirmSaved(tab);
  await look(tab, 'mfa-waiting');
  await link(tab, /^go on to/i);
  await expectHeading(tab, /^allow/i);
  const { client_id: client } = shared.application.registration;
  await shared.server.command('policy', 'set', '--client', client, '--operation', 'wire.transfer', '--mode', 'required');
  const details = [{
    type: 'wire.transfer',
    instructedAmount: { currency: 'EUR', amount: '123.50' },
    creditorName: 'Merchant A',
    creditorAccount: { bic: 'ABCIDEFFXXX', iban: 'DE02100100109307118603' },
    remittanceInformationUnstructured: 'Invoice-4711-0815-of-the-year-2026-in-one-very-long-word',
  }];
  await tab.goto(`${shared.application.origin}/start?authorization_details=${encodeURIComponent(JSON.stringify(details))}`);
  await enterPassword(tab, who);
  await enterCode(tab, await who.authenticator.next());
  await expectHeading(tab, /^confirm this for/i);
  await look(tab, 'operation');
}));

it('the pages of passkeys', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  const passkeys = await Passkeys.plug(tab, PHONE, { patient: true });
  await tab.goto(at('/account/mfa'));
  await button(tab, /^add a passkey$/i);
  await expectHeading(tab, /create a passkey/i);
  await look(tab, 'passkey-enrol');
  await passkeys.touched(true);
  await button(tab, /^create a passkey$/i);
  await readCodes(tab);
  await passkeys.touched(false);
  await confirmSaved(tab);
  await look(tab, 'mfa-passkey');
  await tab.goto(at('/account'));
  await look(tab, 'account-passkey');
  await tab.goto(at('/account/mfa'));
  await link(tab, /^rename/i);
  await look(tab, 'passkey-rename');
  await tab.goto(at('/account/mfa'));
  await link(tab, /^remove/i);
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await look(tab, 'passkey');
  await passkeys.verifies(false);
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectText(tab, /that was cancelled/i);
  await look(tab, 'passkey-cancelled');
  await passkeys.verifies(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /remove passkey/i);
  await look(tab, 'passkey-remove');
}));

it('the pages of a sign-in to an application', () => visit(async (tab) => {
  const { who } = shared;
  await tab.goto(`${shared.application.origin}/start`);
  await look(tab, 'login-to-application');
  await enterPassword(tab, who, passphrase());
  await look(tab, 'login-error');
  await enterPassword(tab, who);
  await look(tab, 'totp');
  await enterCode(tab, await who.authenticator.wrong());
  await look(tab, 'totp-error');
  await link(tab, /backup code/i);
  await look(tab, 'backup-code');
  await enterCode(tab, 'AAAAA-AAAAA');
  await look(tab, 'backup-code-error');
  await enterCode(tab, who.codes[0]);
  await expectHeading(tab, /^allow/i);
  await look(tab, 'consent');
  await button(tab, /^allow$/i);
  await expectHeading(tab, /welcome/i);
  await tab.goto(`${shared.application.origin}/start?response_mode=form_post`);
  await look(tab, 'form-post');
}));

it('the pages of somebody who is locked out', () => visit(async (tab, visitor) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await signOut(tab);
  await tab.goto(at('/login'));
  for (let count = 0; count < 6; count += 1) await enterPassword(tab, who, passphrase());
  await expectText(tab, /try again at/i);
  await look(tab, 'cool-down');
  const printed = await shared.server.command('user', 'password', 'reset', who.name);
  await tab.goto(printed.match(/http:\/\/\S+/)[0]);
  await look(tab, 'reset');
  await tab.goto(at('/login'));
  await visitor.context.clearCookies();
  await enterPassword(tab, who);
  await look(tab, 'stale');
}));

it('the page of the first administrator', () => visit(async (tab) => {
  const link = shared.server.printed().match(/http:\/\/localhost:\d+\/setup\?token=[^\s"]+/)?.[0];
  assert.ok(link, 'no link was printed at the first start');
  await tab.goto(link);
  await look(tab, 'setup');
  await tab.goto(at('/setup?token=wrong'));
  await look(tab, 'setup-refused');
}));

it('the whole sign-in can be done with the keyboard, and the focus is seen', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await signOut(tab);
  await tab.goto(at('/login'));
  // The browser gives the focus to the first field a moment after the page is there.
  await tab.waitForFunction(() => document.activeElement?.matches('[autofocus]'));
  await tab.keyboard.type(who.name);
  await tab.keyboard.press('Tab');
  await tab.keyboard.type(who.password);
  const outline = await tab.evaluate(() => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement);
    return outlineStyle !== 'none' && parseFloat(outlineWidth) > 0 ? 'outline' : boxShadow;
  });
  assert.notEqual(outline, 'none', 'the focus cannot be seen');
  await tab.keyboard.press('Enter');
  await expectHeading(tab, /your account/i);
}));

// Passkeys in a browser that has authenticators: added, used alone and after a password, cancelled, copied, removed.
import assert from 'node:assert/strict';
import {
  button, confirmSaved, enrol, enterCode, enterPassword, expectHeading, expectText, heading, link, readCodes, register, signOut,
} from './lib/steps.mjs';
import { KEY_WITH_PIN, PHONE, PLAIN_KEY, Passkeys, offered, questions } from './lib/passkeys.mjs';
import { Application } from './lib/application.mjs';
import { look } from './lib/looks.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-passkeys', async (all) => {
  all.application = await Application.open(all.server, { trusted: true });
  all.closing.unshift(() => all.application.close());
});
const { it } = shared;
const visit = (body) => shared.visit(body, { javaScriptEnabled: true });
const at = (path) => `${shared.server.origin}${path}`;

/** From the page with the factors to a passkey that is there; the backup codes of the first are saved. */
async function add(tab, { first = true, leadsTo = /multi-factor authentication/i } = {}) {
  await tab.goto(at('/account/mfa'));
  await button(tab, /^add a passkey$/i);
  await expectHeading(tab, /create a passkey/i);
  await button(tab, /^create a passkey$/i);
  if (!first) return expectText(tab, /the passkey was added/i);
  await readCodes(tab);
  await confirmSaved(tab);
  return expectHeading(tab, leadsTo);
}

/** A registered person with a passkey, signed out. */
async function member(tab, traits) {
  const who = person();
  await register(tab, shared.server.origin, who);
  const passkeys = await Passkeys.plug(tab, traits, { patient: true });
  await passkeys.touched(true);
  await add(tab);
  await passkeys.touched(false);
  await signOut(tab);
  return { who, passkeys };
}

/** Signs in by the button; the offer for the name field waits for a touch meanwhile, and must give way. */
async function byButton(tab, passkeys) {
  await passkeys.touched(false);
  await tab.goto(at('/login'));
  await offered(tab);
  await passkeys.touched(true);
  await button(tab, /sign in with a passkey/i);
}

it('a passkey is added, signs in by the button without a name, and is told of as it is', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PHONE);
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
  await expectText(tab, who.name);
  await expectText(tab, /1 passkey, 10 backup codes left/i);
  await link(tab, /multi-factor authentication/i);
  await expectText(tab, /last used/i);
  await passkeys.touched(false);
  await tab.goto(`${shared.application.origin}/start`);
  await expectHeading(tab, /welcome to the album/i);
  assert.deepEqual(shared.application.claims.amr, ['mfa', 'pop', 'swk', 'user']);
  assert.equal(shared.application.claims.acr, 'phr');
}));

it('the browser offers a passkey for the name field', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PHONE);
  await passkeys.touched(true);
  await tab.goto(at('/login'));
  await expectHeading(tab, /your account/i);
  await expectText(tab, who.name);
  await passkeys.touched(false);
  await signOut(tab);
  await tab.goto(at('/login'));
  await offered(tab);
  assert.deepEqual(await questions(tab), [{ mediation: 'conditional', calledOff: false }]);
  await button(tab, /sign in with a passkey/i);
  await expectText(tab, /follow what your browser asks/i);
  const asked = [{ mediation: 'conditional', calledOff: true }, { mediation: 'click', calledOff: false }];
  assert.deepEqual(await questions(tab), asked, 'the offer gives way to the button');
}));

it('a key without a PIN is a second step and no first one', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PLAIN_KEY);
  await byButton(tab, passkeys);
  await expectText(tab, /cancelled, or took too long/i);
  await passkeys.touched(false);
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /your account/i);
  await tab.goto(`${shared.application.origin}/start`);
  await expectHeading(tab, /welcome to the album/i);
  assert.deepEqual(shared.application.claims.amr, ['hwk', 'mfa', 'pop', 'pwd', 'user']);
}));

it('a browser is trusted by who uses a passkey after the password and ticks the box', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PLAIN_KEY);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  const box = tab.getByRole('checkbox', { name: /trust this browser for 30 days/i });
  assert.equal(await box.isChecked(), false);
  await box.check();
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /your account/i);
  await passkeys.touched(false);
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /your account/i);
}));

it('what is cancelled can be tried again, and another way is there', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, KEY_WITH_PIN);
  await passkeys.verifies(false);
  await byButton(tab, passkeys);
  await expectText(tab, /that was cancelled, or took too long/i);
  await passkeys.verifies(true);
  await button(tab, /sign in with a passkey/i);
  await expectHeading(tab, /your account/i);
  await signOut(tab);
  await passkeys.touched(false);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await link(tab, /use a backup code/i);
  await expectHeading(tab, /backup code/i);
}));

it('a creation that is cancelled changes nothing, and can be tried again', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  const passkeys = await Passkeys.plug(tab, KEY_WITH_PIN);
  await passkeys.verifies(false);
  await tab.goto(at('/account/mfa'));
  await button(tab, /^add a passkey$/i);
  await expectHeading(tab, /create a passkey/i);
  const page = tab.url();
  await button(tab, /^create a passkey$/i);
  await expectText(tab, /that was cancelled, or took too long/i);
  assert.equal(tab.url(), page, 'nothing was sent');
  assert.deepEqual(await passkeys.all(), []);
  // Elsewhere the password is enough all the same.
  await tab.goto(at('/account'));
  await signOut(tab);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /your account/i);
  await passkeys.verifies(true);
  await add(tab);
  assert.equal((await passkeys.all()).length, 1);
}));

it('a creation that is cancelled is made good on the same page', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  const passkeys = await Passkeys.plug(tab, KEY_WITH_PIN);
  await tab.goto(at('/account/mfa'));
  await button(tab, /^add a passkey$/i);
  await passkeys.verifies(false);
  await button(tab, /^create a passkey$/i);
  await expectText(tab, /that was cancelled, or took too long/i);
  await passkeys.verifies(true);
  await button(tab, /^create a passkey$/i);
  await readCodes(tab);
}));

it('a browser that refuses for its own reasons is told of as such, and the other ways stay', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, KEY_WITH_PIN);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await passkeys.touched(true);
  // The browser itself refuses a site that is not this one.
  await tab.evaluate(() => {
    const form = document.querySelector('form[data-passkey]');
    form.dataset.options = JSON.stringify({ ...JSON.parse(form.dataset.options), rpId: 'other.example' });
  });
  await button(tab, /^use your passkey$/i);
  await expectText(tab, /the browser could not use a passkey here/i);
  await tab.reload();
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /your account/i);
}));

it('an answer that was changed on its way, and one for an account that is disabled, sign nobody in', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PHONE);
  let changes = true;
  let answers = 0;
  await tab.route('**/login/passkey', async (route) => {
    answers += 1;
    // The page that refuses offers passkeys for the name field again; a finger that stays would answer it at once, for ever.
    await passkeys.touched(false);
    if (!changes) return route.continue();
    const form = new URLSearchParams(route.request().postData());
    const answer = JSON.parse(form.get('answer'));
    const { signature } = answer.response;
    answer.response.signature = `${signature.slice(0, 20)}AAAAAA${signature.slice(26)}`;
    form.set('answer', JSON.stringify(answer));
    return route.continue({ postData: form.toString() });
  });
  await byButton(tab, passkeys);
  await expectText(tab, /this passkey was not accepted/i);
  changes = false;
  await shared.server.command('user', 'disable', who.name);
  await byButton(tab, passkeys);
  await expectText(tab, /this passkey was not accepted/i);
  await shared.server.command('user', 'enable', who.name);
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
  assert.equal(answers, 3);
}));

it('one device keeps passkeys of two people apart, and none twice of one', () => visit(async (tab) => {
  const { who: ada, passkeys } = await member(tab, PHONE);
  const bob = person();
  await register(tab, shared.server.origin, bob);
  await passkeys.touched(true);
  await add(tab);
  assert.equal((await passkeys.all()).length, 2);
  // Making a key proves nothing, so it is proved before the next change.
  await tab.goto(at('/account/reauthenticate?to=/account/mfa'));
  await passkeys.touched(false);
  await tab.goto(at('/login?return=/account/mfa'));
  await enterPassword(tab, bob);
  await expectHeading(tab, /use your passkey/i);
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /multi-factor authentication/i);
  await button(tab, /^add a passkey$/i);
  await button(tab, /^create a passkey$/i);
  await expectText(tab, /has a passkey of this account already/i);
  await passkeys.touched(false);
  await signOut(tab);
  for (const who of [ada, bob]) {
    await tab.goto(at('/login'));
    await enterPassword(tab, who);
    await expectHeading(tab, /use your passkey/i);
    await passkeys.touched(true);
    await button(tab, /^use your passkey$/i);
    await expectHeading(tab, /your account/i);
    await expectText(tab, who.name);
    await passkeys.touched(false);
    await signOut(tab);
  }
}));

it('a copy that was left behind is refused', () => visit(async (tab) => {
  const { passkeys } = await member(tab, KEY_WITH_PIN);
  const [copy] = await passkeys.all();
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
  await passkeys.touched(false);
  await signOut(tab);
  const [ahead] = await passkeys.all();
  assert.ok(ahead.signCount > copy.signCount, `${ahead.signCount} after ${copy.signCount}`);
  await passkeys.restore(copy);
  await byButton(tab, passkeys);
  await expectText(tab, /this passkey was not accepted/i);
  assert.match(await tab.title(), /^Error/);
  await passkeys.touched(false);
  await passkeys.restore({ ...ahead, signCount: ahead.signCount + 1 });
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
}));

it('a removed passkey is refused, and the browser forgets it', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PHONE);
  const [kept] = await passkeys.all();
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
  await passkeys.touched(false);
  await link(tab, /multi-factor authentication/i);
  await link(tab, /^remove/i);
  await expectHeading(tab, /remove passkey/i);
  await expectText(tab, /your password alone will open this account/i);
  await button(tab, /^remove passkey$/i);
  // The session rested on it.
  await expectHeading(tab, /^sign in$/i);
  await enterPassword(tab, who);
  await expectText(tab, /enable multi-factor authentication/i);
  assert.deepEqual(await passkeys.all(), [], 'the browser was told which passkeys are in force');
  await signOut(tab);
  await passkeys.restore(kept).catch(() => passkeys.cdp.send('WebAuthn.addCredential', {
    authenticatorId: passkeys.id, credential: kept,
  }));
  await byButton(tab, passkeys);
  await expectText(tab, /this passkey was not accepted/i);
  assert.deepEqual(await passkeys.all(), [], 'the browser was told that nobody has it');
}));

it('the last passkey of somebody who must have one is removed, and the next is made before anything else', () => visit(async (tab) => {
  const { who, passkeys } = await member(tab, PHONE);
  await shared.server.command('policy', 'set', '--role', 'guarded', '--mode', 'required');
  await shared.server.command('user', 'role', 'give', who.name, 'guarded');
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /your account/i);
  await link(tab, /multi-factor authentication/i);
  await link(tab, /^remove/i);
  await expectHeading(tab, /remove passkey/i);
  await expectText(tab, /you must set up .*a passkey before you can do anything else/i);
  assert.doesNotMatch(await tab.locator('main').innerText(), /your password alone/i);
  await button(tab, /^remove passkey$/i);
  await expectText(tab, /before you go on, set up/i);
  for (const closed of ['/account', '/account/password', '/account/sessions']) {
    await tab.goto(at(closed));
    await expectHeading(tab, /multi-factor authentication/i);
  }
  // What the removed one proved counts no more, and making one proves nothing.
  await add(tab, { leadsTo: /use your passkey/i });
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /multi-factor authentication/i);
  await tab.goto(at('/account'));
  await expectHeading(tab, /your account/i);
}));

it('an app and a passkey are asked for one after the other, and a session is raised by the one that is missing', () => visit(async (tab) => {
  const who = person();
  await register(tab, shared.server.origin, who);
  await enrol(tab, who);
  const passkeys = await Passkeys.plug(tab, PHONE, { patient: true });
  await passkeys.touched(true);
  await add(tab, { first: false });
  await passkeys.touched(false);
  await shared.server.command('policy', 'set', '--role', 'careful', '--mode', 'required', '--all-of', 'totp,passkey');
  await shared.server.command('user', 'role', 'give', who.name, 'careful');
  // The session has the app's code already.
  await tab.goto(at('/account'));
  await expectHeading(tab, /use your passkey/i);
  await look(tab, 'passkey-raise');
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /your account/i);
  await signOut(tab);
  await passkeys.touched(false);
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /use your passkey/i);
  await expectText(tab, /step 2 of 3/i);
  await look(tab, 'passkey-step-2-of-3');
  await passkeys.touched(true);
  await button(tab, /^use your passkey$/i);
  await expectHeading(tab, /verification code/i);
  await expectText(tab, /step 3 of 3/i);
  await look(tab, 'totp-step-3-of-3');
  await enterCode(tab, await who.authenticator.next());
  await expectHeading(tab, /your account/i);
}));

it('who signs in with a passkey changes factors without a code', () => visit(async (tab) => {
  const { passkeys } = await member(tab, PHONE);
  await byButton(tab, passkeys);
  await expectHeading(tab, /your account/i);
  await link(tab, /multi-factor authentication/i);
  await passkeys.unplug();
  const key = await Passkeys.plug(tab, KEY_WITH_PIN);
  await add(tab, { first: false });
  assert.equal((await key.all()).length, 1);
  await link(tab, /^rename/i);
  await tab.getByLabel(/name of the passkey/i).fill('Blue key');
  await button(tab, /^rename/i);
  await expectText(tab, /the passkey was renamed/i);
  await expectText(tab, 'Blue key');
  assert.match(await heading(tab), /multi-factor/i);
}));

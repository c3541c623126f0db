// Links in messages, as a person meets them: in the browser that began, in another one, twice, and too late. JavaScript is off.
import assert from 'node:assert/strict';
import {
  beginAddress, button, confirmSaved, enterCode, enterPassword, expectHeading, expectText, link, readCodes, register, signOut,
} from './lib/steps.mjs';
import { mailedCode, mailedLink } from './lib/inbox.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-links', () => {}, { DOORWARD__REGISTRATION__BY: 'either' });
const { it, visit } = shared;
const origin = () => shared.server.origin;

/** Asks for an account under the person's address; the message is read elsewhere. */
async function askForAccount(tab, who) {
  await tab.goto(origin());
  await link(tab, /create an account/i);
  await link(tab, /use your e-mail address/i);
  await tab.getByLabel(/e-mail address/i).fill(who.email);
  await button(tab, /send a link/i);
  await expectHeading(tab, /look into your mail/i);
}

/** A registered person whose address gets codes, confirmed by the link. */
async function member() {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await link(tab, /multi-factor authentication/i);
    await beginAddress(tab, who);
    await tab.goto(origin() + await mailedLink(origin(), who, '/account/mfa/email/link'));
    await expectText(tab, who.email);
    await button(tab, /^confirm$/i);
    who.codes = await readCodes(tab);
    await confirmSaved(tab);
    await expectText(tab, /e-mail codes/i);
    await signOut(tab);
  });
  await mailedCode(origin(), who);
  return who;
}

/** Types the password; gives the link in the message, as a path. */
async function begin(tab, who) {
  await tab.goto(`${origin()}/login`);
  await enterPassword(tab, who);
  await expectHeading(tab, /code from your e-mail/i);
  return mailedLink(origin(), who, '/login/link');
}

it('an address is confirmed and a sign-in completed by links, and the button tells nobody where it stands', async () => {
  const who = await member();
  await visit(async (tab, visitor) => {
    const path = await begin(tab, who);
    const other = await visitor.tab();
    const answer = await other.goto(origin() + path);
    const headers = answer.headers();
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cache-control'], 'no-store');
    await expectHeading(other, /finish signing in/i);
    const sent = other.waitForRequest((request) => request.method() === 'POST');
    await button(other, /finish signing in/i);
    assert.equal((await (await sent).allHeaders()).referer, undefined, 'the address holds a token');
    await expectHeading(other, /your account/i);
    await other.goto(origin() + path);
    await expectHeading(other, /your account/i);
    await other.close();
    await enterCode(tab, '123456');
    await expectHeading(tab, /your account/i);
  });
});

it('in another browser the link shows the code, which completes the sign-in where it was begun', async () => {
  const who = await member();
  await visit(async (tab) => {
    const path = await begin(tab, who);
    let code;
    await visit(async (phone) => {
      await phone.goto(origin() + path);
      await expectHeading(phone, /go back to where you began/i);
      assert.equal(await phone.getByRole('button').count(), 0, 'there is nothing to press');
      code = await phone.locator('main .key').innerText();
      await phone.goto(`${origin()}/account`);
      await expectHeading(phone, /^sign in/i);
    });
    assert.equal(code, await mailedCode(origin(), who));
    await enterCode(tab, code);
    await expectHeading(tab, /your account/i);
    await visit(async (phone) => {
      await phone.goto(origin() + path);
      await expectHeading(phone, /this link does not work/i);
    });
  });
});

it('a used link says what to do in the browser of a later sign-in', async () => {
  const who = await member();
  await visit(async (tab) => {
    const path = await begin(tab, who);
    await tab.goto(origin() + path);
    await button(tab, /finish signing in/i);
    await expectHeading(tab, /your account/i);
    await signOut(tab);
    await begin(tab, who);
    await tab.goto(origin() + path);
    await expectHeading(tab, /this link does not work/i);
    await expectText(tab, /ask for a new link/i);
  });
});

it('an address registers by the link in a message, signs in, and is told when somebody asks again', async () => {
  const who = person();
  await visit(async (tab) => {
    await askForAccount(tab, who);
    await tab.goto(origin() + await mailedLink(origin(), who, '/register/confirm'));
    await expectHeading(tab, /choose your password/i);
    await expectText(tab, who.email);
    await tab.getByLabel(/^password/i).fill('passwordpassword');
    await button(tab, /create account/i);
    assert.match(await tab.title(), /^Error/);
    await tab.getByLabel(/^password/i).fill(who.password);
    await button(tab, /create account/i);
    await expectHeading(tab, /your account/i);
    await expectText(tab, who.email);
    await signOut(tab);
    who.name = who.email.toUpperCase();
    await tab.goto(`${origin()}/login`);
    await enterPassword(tab, who);
    await expectHeading(tab, /your account/i);
    await signOut(tab);
    await askForAccount(tab, who);
    await tab.goto(`${origin()}/forgot`);
    await tab.getByLabel(/user name or e-mail address/i).fill(who.email);
    await button(tab, /send a link/i);
    await tab.goto(origin() + await mailedLink(origin(), who));
    await expectHeading(tab, /choose a new password/i);
  });
});

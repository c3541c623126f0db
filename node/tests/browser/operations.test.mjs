// Sensitive operations in a browser with JavaScript off: a transfer that an application asks for, and a change of the password, each
// behind a policy of its own.
import assert from 'node:assert/strict';
import {
  button, confirmSaved, enrol, enterCode, enterPassword, expectHeading, expectText, link, readCodes, register, scan,
} from './lib/steps.mjs';
import { Application } from './lib/application.mjs';
import { passphrase, person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const TRANSFER = [{ type: 'wire.transfer', amount: '123.50', creditor: { name: 'Merchant A', iban: 'DE02100100109307118603' } }];

const shared = suite('browser-operations', async (all) => {
  all.application = await Application.open(all.server);
  all.closing.unshift(() => all.application.close());
  const client = all.application.registration.client_id;
  await all.server.command('policy', 'set', '--client', client, '--operation', 'wire.transfer', '--mode', 'required');
  await all.server.command('policy', 'set', '--operation', 'password.change', '--mode', 'required', '--fresh-minutes', '5');
});
const { it, visit } = shared;
const origin = () => shared.server.origin;
const transfer = () => `${shared.application.origin}/start?authorization_details=${encodeURIComponent(JSON.stringify(TRANSFER))}`;

it('a transfer asks somebody who is signed in to prove it anew, shows what is confirmed, and is told of what was', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await enrol(tab, who);
    await confirmSaved(tab);
    await tab.goto(`${shared.application.origin}/start`);
    await expectHeading(tab, /allow photo album/i);
    await button(tab, /^allow$/i);
    await expectHeading(tab, /welcome to the album/i);
    assert.equal(shared.application.details, undefined);

    await tab.goto(transfer());
    await enterPassword(tab, who);
    await enterCode(tab, await who.authenticator.next());
    await expectHeading(tab, /confirm this for photo album/i);
    for (const words of ['wire.transfer', '123.50', 'Merchant A', 'DE02100100109307118603', who.name]) await expectText(tab, words);
    await button(tab, /^deny$/i);
    await expectHeading(tab, /refused: access_denied/i);

    await tab.goto(transfer());
    await enterPassword(tab, who);
    await enterCode(tab, await who.authenticator.next());
    await button(tab, /^confirm$/i);
    await expectHeading(tab, /welcome to the album/i);
    assert.deepEqual(shared.application.details, TRANSFER);
    assert.deepEqual([...shared.application.claims.amr].sort(), ['mfa', 'otp', 'pwd']);
  });
});

it('who has no device sets one up on the way to a transfer', async () => {
  const who = person();
  await visit((tab) => register(tab, origin(), who));
  await visit(async (tab) => {
    await tab.goto(transfer());
    await enterPassword(tab, who);
    await expectText(tab, /before you go on to/i);
    await button(tab, /set up/i);
    who.authenticator = await scan(tab);
    await enterCode(tab, await who.authenticator.next());
    await readCodes(tab);
    await confirmSaved(tab);
    await link(tab, /^go on to/i);
    await expectHeading(tab, /confirm this for photo album/i);
    await button(tab, /^confirm$/i);
    await expectHeading(tab, /welcome to the album/i);
    assert.deepEqual(shared.application.details, TRANSFER);
  });
});

it('a password is changed only with a second step, which is set up first where there is none', async () => {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    await tab.goto(`${origin()}/account/password`);
    await expectHeading(tab, /multi-factor authentication/i);
    await expectText(tab, /before you go on, set up/i);
    await button(tab, /set up/i);
    who.authenticator = await scan(tab);
    await enterCode(tab, await who.authenticator.next());
    await readCodes(tab);
    await confirmSaved(tab);
    await tab.goto(`${origin()}/account/password`);
    await expectHeading(tab, /change (your )?password/i);
    await tab.getByLabel(/current password/i).fill(who.password);
    await tab.getByLabel(/new password/i).fill(passphrase());
    await button(tab, /change password/i);
    await expectText(tab, /your password was changed/i);
  });
});

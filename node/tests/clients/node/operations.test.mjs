// Operations of an application (RFC 9396): a bank asks for `wire.transfer`, the person proves it anew and confirms what is read, and a
// resource server finds in the access token what was confirmed, and nothing else.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { enrolTotp, enterPassword, signIn, signOut } from './lib/journeys.mjs';
import { RelyingParty, refused } from './lib/relying_party.mjs';
import { someone, suite } from './lib/suite.mjs';

const MFA = 'urn:doorward:acr:mfa';
const TRANSFER = {
  type: 'wire.transfer',
  instructedAmount: { currency: 'EUR', amount: '123.50' },
  creditorName: 'Merchant A',
  creditorAccount: { iban: 'DE02100100109307118603' },
};
const details = (...all) => ({ authorization_details: JSON.stringify(all) });

const shared = suite('operations', async (all) => {
  all.rp = await RelyingParty.create(all.server);
  await all.server.command('policy', 'set', '--client', all.rp.id, '--operation', 'wire.transfer', '--mode', 'required');
});
const { it } = shared;

/** What somebody who signed in with two factors, in a browser that they trust, is asked for an operation. */
async function trusting() {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  await signOut(robot);
  const challenged = await enterPassword(robot, await robot.open('/login'), who);
  const typed = [['one-time-code', await who.authenticator.next()], [/trust this browser/i, true]];
  await robot.submit(challenged, 'one-time-code', typed);
  return { who, robot };
}

it('a transfer is proved anew and confirmed as it reads, and its tokens say so', async () => {
  const { who, robot } = await trusting();
  const before = await shared.rp.signIn(robot, who);
  assert.equal((await shared.rp.verifiedAccess(before.access_token)).authorization_details, undefined);

  const attempt = await shared.rp.begin(details(TRANSFER));
  const asked = await robot.open(attempt.url);
  assert.ok(asked.form?.('current-password'), 'neither the session nor the trust in the browser is enough');
  const page = await signIn(robot, asked, who);
  const text = page.words;
  for (const words of [/wire\.transfer/, /123\.50/, /EUR/, /Merchant A/, /DE02100100109307118603/]) assert.match(text, words);
  const { outside } = await robot.submit(page, /^confirm$/i, [], /^confirm$/i);
  const tokens = await shared.rp.finish(attempt, outside);
  assert.deepEqual(tokens.authorization_details, [TRANSFER]);
  const access = await shared.rp.verifiedAccess(tokens.access_token);
  assert.deepEqual(access.authorization_details, [TRANSFER]);
  assert.deepEqual([access.acr, access.amr], [MFA, ['mfa', 'otp', 'pwd']]);
  assert.ok(Date.now() / 1000 - access.auth_time < 60, 'proved just now');

  const refreshed = await client.refreshTokenGrant(shared.rp.configuration, tokens.refresh_token);
  assert.equal(refreshed.authorization_details, undefined, 'it was confirmed once');
  assert.equal((await shared.rp.verifiedAccess(refreshed.access_token)).authorization_details, undefined);
  await refused(
    client.refreshTokenGrant(shared.rp.configuration, refreshed.refresh_token, details(TRANSFER)),
    'invalid_authorization_details',
  );
});

it('what is not registered, not of the form, or needs a page is refused at the application', async () => {
  const { robot } = await trusting();
  const metadata = await (await fetch(`${shared.server.origin}/.well-known/oauth-authorization-server`)).json();
  assert.deepEqual(metadata.authorization_details_types_supported, ['wire.transfer']);
  for (const wrong of [details({ type: 'account.close' }), details({ amount: '1' }), { authorization_details: '{}' }]) {
    assert.equal(await shared.rp.refusal(robot, wrong), 'invalid_authorization_details');
  }
  assert.equal(await shared.rp.refusal(robot, { ...details(TRANSFER), prompt: 'none' }), 'login_required');
});

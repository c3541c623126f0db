// The main job with an application built on `openid-client`: discovery, code with PKCE, tokens, UserInfo, refresh, logout,
// for a person who registered and enrolled an authenticator app.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { enrolTotp, signOut } from './lib/journeys.mjs';
import { AFTER_LOGOUT, RelyingParty, header, refused } from './lib/relying_party.mjs';
import { Robot } from './lib/robot.mjs';
import { someone, suite } from './lib/suite.mjs';

const shared = suite('openid-client', async (all) => {
  const { who, robot } = await someone(all.server);
  all.who = who;
  await enrolTotp(robot, who);
  all.robot = new Robot(all.server.origin);
  all.rp = await RelyingParty.create(all.server, { name: 'Photo album', trusted: false });
});
const { it } = shared;

it('a person with an authenticator app signs in, and the tokens say how', async () => {
  const { rp, robot, who } = shared;
  const began = Math.floor(Date.now() / 1000);
  const tokens = await rp.signIn(robot, who);
  const claims = await rp.verified(tokens);
  assert.equal(header(tokens.id_token).alg, 'RS256');
  assert.deepEqual([...claims.amr].sort(), ['mfa', 'otp', 'pwd']);
  assert.ok(claims.auth_time >= began - 1 && claims.auth_time <= Math.ceil(Date.now() / 1000));
  assert.equal(claims.exp - claims.iat, 300);
  assert.ok(claims.sid && claims.acr);
  const access = await rp.verifiedAccess(tokens.access_token);
  assert.equal(header(tokens.access_token).alg, 'ES256');
  assert.equal(access.sub, claims.sub);
  assert.equal(access.exp - access.iat, 300);
  assert.deepEqual([...access.amr].sort(), ['mfa', 'otp', 'pwd']);
  assert.deepEqual(access.scope.split(' ').sort(), ['email', 'openid', 'profile']);
  Object.assign(shared, { tokens, claims });
});

it('UserInfo tells what the scopes allow and no more', async () => {
  const { rp, tokens, claims, who } = shared;
  const info = await client.fetchUserInfo(rp.configuration, tokens.access_token, claims.sub);
  assert.equal(info.preferred_username, who.name);
  assert.equal(info.email, who.email);
  assert.equal(info.email_verified, false);
  const narrow = await rp.signIn(shared.robot, who, { scope: 'openid' });
  const little = await client.fetchUserInfo(rp.configuration, narrow.access_token, claims.sub);
  assert.deepEqual(Object.keys(little), ['sub']);
});

it('a refresh rotates the refresh token and keeps what was proven', async () => {
  const { rp, tokens, claims } = shared;
  const next = await client.refreshTokenGrant(rp.configuration, tokens.refresh_token);
  assert.notEqual(next.refresh_token, tokens.refresh_token);
  assert.notEqual(next.access_token, tokens.access_token);
  const renewed = await rp.verified(next);
  assert.deepEqual(
    [renewed.sub, renewed.sid, renewed.auth_time, renewed.amr, renewed.acr],
    [claims.sub, claims.sid, claims.auth_time, claims.amr, claims.acr],
  );
  assert.equal(await rp.userInfoStatus(next.access_token), 200);
  shared.renewed = next;
});

it('a refresh token used twice ends its family', async () => {
  const { rp, tokens, renewed } = shared;
  await refused(client.refreshTokenGrant(rp.configuration, tokens.refresh_token), 'invalid_grant');
  await refused(client.refreshTokenGrant(rp.configuration, renewed.refresh_token), 'invalid_grant');
  assert.equal(await rp.userInfoStatus(renewed.access_token), 401);
});

it('a revoked refresh token is refused from then on', async () => {
  const { rp, robot, who } = shared;
  const tokens = await rp.signIn(robot, who);
  await client.tokenRevocation(rp.configuration, tokens.refresh_token);
  await refused(client.refreshTokenGrant(rp.configuration, tokens.refresh_token), 'invalid_grant');
});

for (const [algorithm, flags, authentication] of [
  ['ES256', {}, client.ClientSecretPost],
  ['EdDSA', { public: true }, undefined],
]) {
  it(`a client may have its ID tokens signed by ${algorithm}`, async () => {
    const metadata = { id_token_signed_response_alg: algorithm };
    const rp = await RelyingParty.create(shared.server, { 'id-token-alg': algorithm, ...flags }, { authentication, metadata });
    const tokens = await rp.signIn(shared.robot, shared.who);
    assert.equal(header(tokens.id_token).alg, algorithm);
    const claims = await rp.verified(tokens, algorithm);
    assert.equal(claims.sub, shared.claims.sub);
    const next = await client.refreshTokenGrant(rp.configuration, tokens.refresh_token);
    assert.equal((await rp.verified(next, algorithm)).sub, claims.sub);
  });
}

it('a public client without PKCE is refused', async () => {
  const rp = await RelyingParty.create(shared.server, { public: true });
  const parameters = { code_challenge: undefined, code_challenge_method: undefined };
  assert.equal(await rp.refusal(shared.robot, parameters), 'invalid_request');
});

it('a third-party client is named with its origin, and a refusal comes back to it', async () => {
  const rp = await RelyingParty.create(shared.server, { name: 'Curious app', trusted: false });
  const attempt = await rp.begin();
  const page = await shared.robot.open(attempt.url);
  assert.match(page.words, /Curious app/);
  assert.match(page.words, /https:\/\/app\.example/);
  assert.match(page.words, /e-mail address/i);
  const back = await shared.robot.submit(page, /^deny/i, [], /^deny/i);
  assert.equal(back.outside.searchParams.get('error'), 'access_denied');
  assert.equal(back.outside.searchParams.get('state'), attempt.state);
  const again = await shared.robot.open((await rp.begin()).url);
  assert.ok(again.form?.(/^allow/i), 'a refusal must be asked again');
  await rp.signIn(shared.robot, shared.who);
  const remembered = await shared.robot.open((await rp.begin()).url);
  assert.ok(remembered.outside?.searchParams.get('code'), 'what was allowed need not be asked again');
});

it('an application may ask for consent or for another account although nothing need be asked', async () => {
  const { rp, robot, who } = shared;
  await rp.signIn(robot, who);
  const consent = await robot.open((await rp.begin({ prompt: 'consent' })).url);
  assert.ok(consent.form?.(/^allow/i), 'prompt=consent must ask');
  const choice = await robot.open((await rp.begin({ prompt: 'select_account' })).url);
  assert.ok(choice.form?.('current-password'), 'prompt=select_account must let somebody else sign in');
});

it('offline access outlives the session, ordinary access does not', async () => {
  const scope = 'openid offline_access';
  const rp = await RelyingParty.create(shared.server, { scope, trusted: false });
  const { who, robot } = await someone(shared.server);
  const offline = await rp.signIn(robot, who, { scope, prompt: 'consent' });
  const ordinary = await rp.signIn(robot, who, { scope: 'openid' });
  await signOut(robot);
  await refused(client.refreshTokenGrant(rp.configuration, ordinary.refresh_token), 'invalid_grant');
  const next = await client.refreshTokenGrant(rp.configuration, offline.refresh_token);
  assert.deepEqual((await rp.verifiedAccess(next.access_token)).scope.split(' ').sort(), scope.split(' ').sort());
});

it('logout at the provider ends the session and what hangs on it', async () => {
  const { rp, robot, who } = shared;
  const tokens = await rp.signIn(robot, who);
  const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER_LOGOUT, state: 'after' };
  const left = await robot.open(client.buildEndSessionUrl(rp.configuration, parameters));
  assert.equal(left.outside?.href, `${AFTER_LOGOUT}?state=after`, left.describe?.());
  assert.equal(await rp.refusal(robot, { prompt: 'none' }), 'login_required');
  await refused(client.refreshTokenGrant(rp.configuration, tokens.refresh_token), 'invalid_grant');
  assert.equal(await rp.userInfoStatus(tokens.access_token), 401);
});

it('a person without a second factor is not said to have used one', async () => {
  const { who, robot } = await someone(shared.server);
  const claims = await shared.rp.verified(await shared.rp.signIn(robot, who));
  assert.deepEqual(claims.amr, ['pwd']);
});

// One test for each module of the certification plan "RP-initiated logout", under the module's own name.
import assert from 'node:assert/strict';
import { generateKeyPair, SignJWT } from 'jose';
import { AFTER_LOGOUT, RelyingParty } from './lib/relying_party.mjs';
import { someone, suite } from './lib/suite.mjs';

const shared = suite('conformance-logout', async (all) => {
  all.rp = await RelyingParty.create(all.server);
});
const { it } = shared;

/** A person who has just signed in to the application. */
async function signedIn() {
  const { who, robot } = await someone(shared.server);
  return { robot, tokens: await shared.rp.signIn(robot, who) };
}

/** Opens the logout endpoint. */
async function logout(robot, parameters) {
  const url = new URL(shared.rp.metadata.end_session_endpoint);
  url.search = new URLSearchParams(parameters);
  return robot.open(url);
}

const isSignedIn = async (robot) => {
  const { url } = await shared.rp.begin({ prompt: 'none' });
  return (await robot.open(url)).outside.searchParams.has('code');
};

/** The provider asks first, stays at its own page and signs out on yes. */
async function asksAndSignsOut(robot, page) {
  assert.ok(page.form?.(/sign out/i), page.describe?.() ?? `it went to ${page.outside}`);
  assert.ok(await isSignedIn(robot), 'a request without proof of who asks must not sign out by itself');
  const done = await robot.submit(page, /^sign out$/i, [], /^sign out$/i);
  assert.ok(!done.outside, `nobody proved that ${done.outside} may be opened`);
  assert.match(done.words, /signed out/i);
  assert.equal(await isSignedIn(robot), false);
}

it('oidcc-rp-initiated-logout-discovery-endpoint-verification', () => {
  assert.equal(new URL(shared.rp.metadata.end_session_endpoint).origin, shared.server.origin);
});

it('oidcc-rp-initiated-logout', async () => {
  const { robot, tokens } = await signedIn();
  const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER_LOGOUT, state: 'x y' };
  const { outside } = await logout(robot, parameters);
  assert.equal(outside.href.split('?')[0], AFTER_LOGOUT);
  assert.equal(outside.searchParams.get('state'), 'x y');
  assert.equal(await isSignedIn(robot), false);
});

it('oidcc-rp-initiated-logout-no-state', async () => {
  const { robot, tokens } = await signedIn();
  const parameters = { id_token_hint: tokens.id_token, post_logout_redirect_uri: AFTER_LOGOUT };
  assert.equal((await logout(robot, parameters)).outside.href, AFTER_LOGOUT);
});

for (const [name, uri] of [
  ['oidcc-rp-initiated-logout-bad-post-logout-redirect-uri', 'https://elsewhere.example/'],
  ['oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri', `${AFTER_LOGOUT}?foo=bar`],
]) {
  it(name, async () => {
    const { robot, tokens } = await signedIn();
    const page = await logout(robot, { id_token_hint: tokens.id_token, post_logout_redirect_uri: uri, state: 'x' });
    assert.ok(!page.outside, `${page.outside} is not registered`);
    assert.doesNotMatch(page.body, /elsewhere\.example|foo=bar/);
  });
}

it('oidcc-rp-initiated-logout-modified-id-token-hint', async () => {
  const { robot, tokens } = await signedIn();
  const [, claims] = tokens.id_token.split('.');
  const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const parameters = { id_token_hint: `${none}.${claims}.`, post_logout_redirect_uri: AFTER_LOGOUT };
  const page = await logout(robot, parameters);
  assert.ok(!page.outside, 'a hint without a signature proves nothing');
  assert.ok(await isSignedIn(robot));
});

it('oidcc-rp-initiated-logout-bad-id-token-hint', async () => {
  const { robot, tokens } = await signedIn();
  const { privateKey } = await generateKeyPair('RS256');
  const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
  const forged = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256' }).sign(privateKey);
  const page = await logout(robot, { id_token_hint: forged, post_logout_redirect_uri: AFTER_LOGOUT });
  assert.ok(!page.outside, 'a hint that somebody else signed proves nothing');
  assert.ok(await isSignedIn(robot));
});

it('oidcc-rp-initiated-logout-no-id-token-hint', async () => {
  const { robot } = await signedIn();
  await asksAndSignsOut(robot, await logout(robot, { post_logout_redirect_uri: AFTER_LOGOUT }));
});

it('oidcc-rp-initiated-logout-no-params', async () => {
  const { robot } = await signedIn();
  await asksAndSignsOut(robot, await logout(robot, {}));
});

it('oidcc-rp-initiated-logout-no-post-logout-redirect-uri', async () => {
  const { robot, tokens } = await signedIn();
  const page = await logout(robot, { id_token_hint: tokens.id_token });
  assert.match(page.words, /signed out/i);
  assert.equal(await isSignedIn(robot), false);
});

it('oidcc-rp-initiated-logout-only-state', async () => {
  const { robot } = await signedIn();
  await asksAndSignsOut(robot, await logout(robot, { state: 'x' }));
});

// One test for each module of the certification plan "Basic OP" that a provider without request objects can show, under
// the module's own name; and those of "Config OP" and of redirect URIs.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { enterPassword } from './lib/journeys.mjs';
import { CALLBACK, RelyingParty, header, refused } from './lib/relying_party.mjs';
import { Robot } from './lib/robot.mjs';
import { someone, suite } from './lib/suite.mjs';

const shared = suite('conformance-basic', async (all) => {
  Object.assign(all, await someone(all.server));
  all.rp = await RelyingParty.create(all.server);
  all.other = await RelyingParty.create(all.server);
});
const { it } = shared;

const fresh = () => new Robot(shared.server.origin);

/** A sign-in that must succeed with these parameters; resolves to tokens, verified claims and UserInfo. */
async function succeeds(parameters = {}, robot = shared.robot, rp = shared.rp) {
  const tokens = await rp.signIn(robot, shared.who, parameters);
  const claims = await rp.verified(tokens);
  const info = await client.fetchUserInfo(rp.configuration, tokens.access_token, claims.sub);
  return { tokens, claims, info };
}

/** Opens a request that may be refused at the application or on a page of the provider, but never succeed. */
async function errorOf(parameters, change = (url) => url) {
  const { url } = await shared.rp.begin(parameters);
  const page = await shared.robot.open(change(url));
  if (page.outside) return page.outside.searchParams.get('error');
  assert.equal(page.status, 400, page.describe());
  return page.words;
}

it('oidcc-server', async () => {
  const robot = fresh();
  const attempt = await shared.rp.begin();
  const callback = await shared.rp.visit(robot, shared.who, attempt);
  assert.equal(callback.searchParams.get('iss'), shared.server.origin);
  const tokens = await shared.rp.finish(attempt, callback);
  assert.equal(tokens.token_type.toLowerCase(), 'bearer');
  assert.equal(tokens.expires_in, 300);
  const claims = await shared.rp.verified(tokens);
  assert.equal(claims.nonce, attempt.nonce);
  assert.ok(claims.sub.length <= 255);
});

it('oidcc-response-type-missing', async () => {
  const error = await errorOf({}, (url) => {
    url.searchParams.delete('response_type');
    return url;
  });
  assert.match(error, /unsupported_response_type|invalid_request|response_type/);
});

it('oidcc-idtoken-signature', async () => {
  const { tokens } = await succeeds();
  assert.equal(header(tokens.id_token).alg, 'RS256');
});

it('oidcc-idtoken-unsigned', async () => {
  const { id_token_signing_alg_values_supported: supported } = shared.rp.metadata;
  assert.ok(!supported.includes('none'));
  const flags = { name: 'Unsigned', 'redirect-uri': CALLBACK, 'id-token-alg': 'none' };
  await assert.rejects(shared.server.createClient(flags), /id-token-alg/);
});

for (const [name, request] of [
  ['oidcc-userinfo-get', (token) => ({ headers: { authorization: `Bearer ${token}` } })],
  ['oidcc-userinfo-post-header', (token) => ({ method: 'POST', headers: { authorization: `Bearer ${token}` } })],
  ['oidcc-userinfo-post-body', (token) => ({ method: 'POST', body: new URLSearchParams({ access_token: token }) })],
]) {
  it(name, async () => {
    const { tokens, claims } = await succeeds();
    const response = await fetch(shared.rp.metadata.userinfo_endpoint, request(tokens.access_token));
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assert.equal((await response.json()).sub, claims.sub);
  });
}

it('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
  const { claims } = await succeeds({ nonce: undefined });
  assert.equal(claims.nonce, undefined);
});

it('oidcc-scope-profile', async () => {
  const { info } = await succeeds({ scope: 'openid profile' });
  assert.equal(info.preferred_username, shared.who.name);
  assert.equal(info.email, undefined);
});

it('oidcc-scope-email', async () => {
  const { info } = await succeeds({ scope: 'openid email' });
  assert.deepEqual([info.email, info.email_verified], [shared.who.email, false]);
  assert.equal(info.preferred_username, undefined);
});

for (const [name, scope] of [
  ['oidcc-scope-address', 'openid address'],
  ['oidcc-scope-phone', 'openid phone'],
  ['oidcc-scope-all', 'openid profile email address phone'],
]) {
  it(name, async () => {
    const { tokens } = await succeeds({ scope });
    const granted = scope.split(' ').filter((one) => ['openid', 'profile', 'email'].includes(one));
    assert.deepEqual(tokens.scope.split(' ').sort(), granted.sort(), 'the answer must say which scopes were granted');
  });
}

it('oidcc-alternate-happy-flow', async () => {
  const attempt = await shared.rp.begin({ scope: 'email profile openid' });
  const turned = new URL(attempt.url);
  turned.search = new URLSearchParams([...attempt.url.searchParams].reverse());
  const page = await shared.robot.open(turned);
  await shared.rp.verified(await shared.rp.finish(attempt, page.outside));
});

for (const [name, parameters] of [
  ['oidcc-display-page', { display: 'page' }],
  ['oidcc-display-popup', { display: 'popup' }],
  ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
  ['oidcc-ui-locales', { ui_locales: 'se' }],
  ['oidcc-claims-locales', { claims_locales: 'se' }],
  ['oidcc-claims-essential', { claims: JSON.stringify({ userinfo: { name: { essential: true } } }) }],
  ['oidcc-ensure-request-with-valid-pkce-succeeds', {}],
]) {
  it(name, () => succeeds(parameters));
}

it('oidcc-prompt-login', async () => {
  const first = await succeeds();
  await pastSecond(first.claims.auth_time);
  const attempt = await shared.rp.begin({ prompt: 'login' });
  const page = await shared.robot.open(attempt.url);
  assert.ok(page.form?.('current-password'), 'the person must be asked again');
  const { outside } = await enterPassword(shared.robot, page, shared.who);
  const second = await shared.rp.verified(await shared.rp.finish(attempt, outside));
  assert.equal(second.sub, first.claims.sub);
  assert.ok(second.auth_time > first.claims.auth_time);
});

it('oidcc-prompt-none-not-logged-in', async () => {
  assert.equal(await shared.rp.refusal(fresh(), { prompt: 'none' }), 'login_required');
});

it('oidcc-prompt-none-logged-in', async () => {
  const first = await succeeds();
  const second = await silent({ prompt: 'none' });
  assert.deepEqual([second.sub, second.auth_time], [first.claims.sub, first.claims.auth_time]);
});

it('oidcc-max-age-1', async () => {
  const first = await succeeds();
  await pastSecond(first.claims.auth_time + 1);
  const attempt = await shared.rp.begin({ max_age: '1' });
  const page = await shared.robot.open(attempt.url);
  assert.ok(page.form?.('current-password'), 'the person must be asked again');
  const { outside } = await enterPassword(shared.robot, page, shared.who);
  const second = await shared.rp.verified(await shared.rp.finish(attempt, outside, { maxAge: 1 }));
  assert.ok(second.auth_time > first.claims.auth_time);
});

it('oidcc-max-age-10000', async () => {
  const first = await succeeds({ max_age: '15000' });
  const second = await silent({ max_age: '10000' });
  assert.ok(first.claims.auth_time);
  assert.equal(second.auth_time, first.claims.auth_time);
});

it('oidcc-id-token-hint', async () => {
  const first = await succeeds();
  const second = await silent({ prompt: 'none', id_token_hint: first.tokens.id_token });
  assert.equal(second.sub, first.claims.sub);
});

it('oidcc-login-hint', async () => {
  const attempt = await shared.rp.begin({ login_hint: shared.who.name });
  const robot = fresh();
  const page = await robot.open(attempt.url);
  assert.match(page.body, new RegExp(`value="${shared.who.name}"`));
  const { outside } = await enterPassword(robot, page, shared.who);
  await shared.rp.verified(await shared.rp.finish(attempt, outside));
});

it('oidcc-ensure-request-with-acr-values-succeeds', async () => {
  const { acr_values_supported: supported = ['1', '2'] } = shared.rp.metadata;
  const { claims } = await succeeds({ acr_values: supported.join(' ') });
  assert.ok(claims.acr);
});

it('oidcc-codereuse', async () => {
  const attempt = await shared.rp.begin();
  const callback = await shared.rp.visit(shared.robot, shared.who, attempt);
  const tokens = await shared.rp.finish(attempt, callback);
  await refused(shared.rp.finish(attempt, callback), 'invalid_grant');
  assert.equal(await shared.rp.userInfoStatus(tokens.access_token), 401);
  await refused(client.refreshTokenGrant(shared.rp.configuration, tokens.refresh_token), 'invalid_grant');
});

it('oidcc-ensure-registered-redirect-uri', async () => {
  assert.match(await errorOf({ redirect_uri: `${CALLBACK}/elsewhere` }), /redirect/i);
});

it('oidcc-ensure-redirect-uri-in-authorization-request', async () => {
  shared.two = await RelyingParty.create(shared.server, { 'redirect-uri': [CALLBACK, `${CALLBACK}/two`] });
  const { url } = await shared.two.begin({ redirect_uri: undefined });
  const page = await shared.robot.open(url);
  assert.equal(page.status, 400, page.describe?.());
  assert.match(page.words, /redirect/i);
});

it('oidcc-redirect-uri-query-OK', async () => {
  const rp = await RelyingParty.create(shared.server, { 'redirect-uri': `${CALLBACK}?foo=bar` });
  const attempt = await rp.begin();
  const callback = await rp.visit(shared.robot, shared.who, attempt);
  assert.equal(callback.searchParams.get('foo'), 'bar');
  const page = await shared.robot.open((await rp.begin({ redirect_uri: `${CALLBACK}?foo=baz` })).url);
  assert.equal(page.status, 400, 'oidcc-redirect-uri-query-mismatch');
});

it('oidcc-redirect-uri-query-added', async () => {
  assert.match(await errorOf({ redirect_uri: `${CALLBACK}?foo=bar` }), /redirect/i);
});

it('oidcc-ensure-post-request-succeeds', async () => {
  const attempt = await shared.rp.begin();
  const { origin, pathname, searchParams } = attempt.url;
  const page = await shared.robot.open(`${origin}${pathname}`, 'POST', searchParams.toString());
  await shared.rp.verified(await shared.rp.finish(attempt, page.outside));
});

it('oidcc-server-client-secret-post', async () => {
  const rp = await RelyingParty.create(shared.server, {}, { authentication: client.ClientSecretPost });
  await succeeds({}, shared.robot, rp);
});

it('oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported', async () => {
  assert.equal(await errorOf({ request_uri: 'https://app.example/request.jwt' }), 'request_uri_not_supported');
});

const unsigned = (claims) => {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
};

it('oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported', async () => {
  assert.equal(await errorOf({ request: unsigned({ scope: 'openid' }) }), 'request_not_supported');
});

it('oidcc-ensure-request-object-with-redirect-uri', async () => {
  const request = unsigned({ redirect_uri: `${CALLBACK}/elsewhere` });
  assert.equal(await errorOf({ request }), 'request_not_supported');
});

it('oidcc-refresh-token', async () => {
  const { tokens, claims } = await succeeds();
  const stolen = client.refreshTokenGrant(shared.other.configuration, tokens.refresh_token);
  await refused(stolen, 'invalid_grant');
  const next = await client.refreshTokenGrant(shared.rp.configuration, tokens.refresh_token);
  const renewed = await shared.rp.verified(next);
  assert.deepEqual([renewed.sub, renewed.auth_time], [claims.sub, claims.auth_time]);
  assert.ok(renewed.iat >= claims.iat);
  const narrow = await client.refreshTokenGrant(shared.rp.configuration, next.refresh_token, { scope: 'openid' });
  assert.equal((await shared.rp.verifiedAccess(narrow.access_token)).scope, 'openid');
});

it('oidcc-discovery-endpoint-verification', async () => {
  const response = await fetch(`${shared.server.origin}/.well-known/openid-configuration`);
  assert.equal(response.headers.get('access-control-allow-origin'), '*');
  const found = await response.json();
  assert.equal(found.issuer, shared.server.origin);
  for (const name of ['authorization', 'token', 'userinfo', 'end_session', 'revocation']) {
    assert.equal(new URL(found[`${name}_endpoint`]).origin, found.issuer, name);
  }
  for (const [name, values] of Object.entries({
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    subject_types_supported: ['public'],
    scopes_supported: ['openid', 'profile', 'email'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256', 'EdDSA'],
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'],
    code_challenge_methods_supported: ['S256'],
    claims_supported: ['sub', 'amr', 'acr', 'auth_time', 'email', 'email_verified', 'preferred_username'],
  })) {
    for (const value of values) assert.ok(found[name].includes(value), `${name} lacks ${value}`);
  }
  assert.equal(found.authorization_response_iss_parameter_supported, true);
  assert.ok(!found.code_challenge_methods_supported.includes('plain'));
  const other = await fetch(`${shared.server.origin}/.well-known/oauth-authorization-server`);
  assert.equal((await other.json()).issuer, found.issuer);
});

it('oidcc-server-rotate-keys', async () => {
  const ids = async () => {
    const { keys } = await (await fetch(shared.rp.metadata.jwks_uri)).json();
    assert.ok(keys.every((key) => key.kid && !('d' in key)), 'the published keys must be public and named');
    return keys.map((key) => key.kid);
  };
  const before = await ids();
  const { tokens } = await succeeds();
  await shared.server.command('keys', 'signing', 'rotate');
  const now = await ids();
  assert.ok(now.some((id) => !before.includes(id)), 'a new key must be published');
  assert.ok(now.includes(header(tokens.id_token).kid), 'the key of live tokens must stay');
  await shared.rp.verified(tokens);
  await succeeds();
});

/** A request that the session answers without asking anything; resolves to the verified claims. */
async function silent(parameters) {
  const attempt = await shared.rp.begin(parameters);
  const page = await shared.robot.open(attempt.url);
  assert.ok(page.outside, `nothing may be asked, but\n${page.describe?.()}`);
  return shared.rp.verified(await shared.rp.finish(attempt, page.outside));
}

/** Until the clock shows a later second: times in tokens are whole seconds. */
async function pastSecond(second) {
  const left = (second + 1) * 1000 - Date.now();
  if (left > 0) await new Promise((resolve) => { setTimeout(resolve, left + 1); });
}

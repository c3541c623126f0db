// The ten lines with which an Express application becomes a client: run as they are printed in the integration guide,
// character for character. Only the host of the provider, which is a placeholder there, is led to this server.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { RelyingParty } from './lib/relying_party.mjs';
import { someone, suite } from './lib/suite.mjs';

const GUIDE = new URL('./fixtures/express_callback.js', import.meta.url);
const PLACEHOLDER = 'https://auth.yourcompany.com';
const CALLBACK = 'https://yourapp.com/auth/callback';

const shared = suite('express-callback', async (all) => {
  all.rp = await RelyingParty.create(all.server, { 'redirect-uri': CALLBACK });
  Object.assign(all, await someone(all.server));
});
const { it } = shared;

/** Runs the lines with what Express and Node give them; resolves to the provider's answer and the final redirect. */
async function callback(code) {
  const seen = {};
  const app = { get: (path, handler) => Object.assign(seen, { path, handler }) };
  const fetchHere = async (url, options) => {
    assert.equal(url, `${PLACEHOLDER}/oauth/token`);
    const response = await fetch(url.replace(PLACEHOLDER, shared.server.origin), options);
    seen.status = response.status;
    seen.answer = await response.clone().json();
    return response;
  };
  const { client_id: AUTHMS_CLIENT_ID, client_secret: AUTHMS_CLIENT_SECRET } = shared.rp.registration;
  const process = { env: { AUTHMS_CLIENT_ID, AUTHMS_CLIENT_SECRET } };
  new Function('app', 'fetch', 'process', await readFile(GUIDE, 'utf8'))(app, fetchHere, process);
  assert.equal(seen.path, new URL(CALLBACK).pathname);
  await seen.handler({ query: { code } }, { redirect: (target) => { seen.redirect = target; } });
  return seen;
}

/** A code as the guide's application gets it: a confidential client, no PKCE. */
async function code() {
  const attempt = await shared.rp.begin({ code_challenge: undefined, code_challenge_method: undefined, nonce: undefined });
  return (await shared.rp.visit(shared.robot, shared.who, attempt)).searchParams.get('code');
}

it('the lines of the guide exchange a code by a JSON body and without a verifier', async () => {
  const { status, answer, redirect } = await callback(await code());
  assert.equal(status, 200, JSON.stringify(answer));
  assert.equal(answer.token_type, 'Bearer');
  assert.equal(redirect, '/');
  const claims = await shared.rp.verified(answer);
  assert.deepEqual(claims.amr, ['pwd']);
  assert.equal((await shared.rp.verifiedAccess(answer.access_token)).sub, claims.sub);
  assert.ok(answer.refresh_token);
});

it('a code is taken once from a JSON body as well', async () => {
  const used = await code();
  assert.equal((await callback(used)).status, 200);
  const { status, answer } = await callback(used);
  assert.deepEqual([status, answer.error], [400, 'invalid_grant']);
});

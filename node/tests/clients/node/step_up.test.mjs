// Step-up authentication (RFC 9470): a resource server says what it wants of the sign-in, its client passes that on, and the
// provider asks the person for what is missing, in a trusted browser too.
import assert from 'node:assert/strict';
import http from 'node:http';
import * as client from 'openid-client';
import { enrolTotp, enterPassword, signIn, signOut } from './lib/journeys.mjs';
import { RelyingParty } from './lib/relying_party.mjs';
import { someone, suite } from './lib/suite.mjs';

const MFA = 'urn:doorward:acr:mfa';
const REFEDS = 'https://refeds.org/profile/mfa';
const MAX_AGE = 300;

const shared = suite('step-up', async (all) => {
  all.rp = await RelyingParty.create(all.server);
  all.resource = await resourceServer(all.rp);
  all.closing.unshift(() => all.resource.close());
});
const { it } = shared;

/** A resource server that lets in who has proved two factors lately, as its access token says. */
async function resourceServer(rp) {
  const server = http.createServer(async (request, response) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    const claims = await rp.verifiedAccess(token).catch(() => undefined);
    const challenge = (error) => `Bearer error="${error}", acr_values="${MFA}", max_age="${MAX_AGE}"`;
    if (!claims) response.writeHead(401, { 'www-authenticate': challenge('invalid_token') }).end();
    else if (claims.acr !== MFA || Date.now() / 1000 - claims.auth_time > MAX_AGE) {
      response.writeHead(401, { 'www-authenticate': challenge('insufficient_user_authentication') }).end();
    } else response.writeHead(200).end('transferred');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/** Calls the resource server; resolves to the status and the parameters of its challenge. */
async function call(token) {
  const { port } = shared.resource.address();
  const response = await fetch(`http://127.0.0.1:${port}/transfer`, { headers: { authorization: `Bearer ${token}` } });
  const challenge = response.headers.get('www-authenticate') ?? '';
  const parameters = [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  return { status: response.status, asked: Object.fromEntries(parameters) };
}

it('the tokens tell the value that was asked for, also by its other name, and refreshed ones too', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  await signOut(robot);
  const essential = (value) => JSON.stringify({ id_token: { acr: { essential: true, value } } });
  for (const [asked, told] of [[{ acr_values: REFEDS }, REFEDS], [{ claims: essential(REFEDS) }, REFEDS], [{}, MFA]]) {
    const tokens = await shared.rp.signIn(robot, who, asked);
    assert.equal((await shared.rp.verified(tokens)).acr, told);
    const refreshed = await client.refreshTokenGrant(shared.rp.configuration, tokens.refresh_token);
    assert.equal((await shared.rp.verifiedAccess(refreshed.access_token)).acr, told);
  }
});

it('a challenge of a resource server raises the sign-in, and the tokens from before stay what they were', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  await signOut(robot);
  const challenged = await enterPassword(robot, await robot.open('/login'), who);
  const typed = [['one-time-code', await who.authenticator.next()], [/trust this browser/i, true]];
  await robot.submit(challenged, 'one-time-code', typed);
  await signOut(robot);

  const first = await shared.rp.signIn(robot, who);
  const claims = await shared.rp.verifiedAccess(first.access_token);
  assert.deepEqual([claims.acr, claims.amr], ['urn:doorward:acr:1fa', ['pwd', 'tdv']], 'the browser is trusted');
  const refused = await call(first.access_token);
  assert.deepEqual([refused.status, refused.asked.error], [401, 'insufficient_user_authentication']);

  const { acr_values, max_age } = refused.asked;
  const attempt = await shared.rp.begin({ acr_values, max_age });
  const page = await robot.open(attempt.url);
  assert.ok(page.form?.('current-password'), 'the person must be asked');
  const { outside } = await signIn(robot, page, who);
  const second = await shared.rp.finish(attempt, outside, { maxAge: MAX_AGE });
  assert.equal((await shared.rp.verified(second)).acr, MFA);
  assert.equal((await call(second.access_token)).status, 200);

  const refreshed = await client.refreshTokenGrant(shared.rp.configuration, first.refresh_token);
  assert.equal((await call(refreshed.access_token)).status, 401, 'only a new authorization raises tokens');
  const raised = await client.refreshTokenGrant(shared.rp.configuration, second.refresh_token);
  assert.equal((await call(raised.access_token)).status, 200);
});

// An application as its developer would write it with `openid-client`, and what tests want to know about its tokens.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import * as client from 'openid-client';
import { allow, signIn } from './journeys.mjs';

/** Where applications of these tests live; nothing listens there, the robot stops at the redirect. */
export const CALLBACK = 'https://app.example/callback';
export const AFTER_LOGOUT = 'https://app.example/signed-out';

/** An application that found the provider by discovery. */
export class RelyingParty {
  constructor(configuration, registration, redirectUri) {
    this.configuration = configuration;
    this.registration = registration;
    this.redirectUri = redirectUri;
    this.metadata = configuration.serverMetadata();
    this.keys = createRemoteJWKSet(new URL(this.metadata.jwks_uri));
  }

  /** Registers a client by the command line and discovers the provider. `flags` add to, or replace, the usual ones. */
  static async create(server, flags = {}, { authentication = client.ClientSecretBasic, metadata = {} } = {}) {
    const usual = { name: 'Test application', 'redirect-uri': CALLBACK, 'post-logout-redirect-uri': AFTER_LOGOUT, trusted: true };
    const wanted = { ...usual, ...flags };
    const chosen = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== false));
    const registration = await server.createClient(chosen);
    const { client_id: id, client_secret: secret } = registration;
    const method = secret ? authentication(secret) : client.None();
    const options = { execute: [client.allowInsecureRequests] };
    const configuration = await client.discovery(new URL(server.origin), id, metadata, method, options);
    return new RelyingParty(configuration, registration, [wanted['redirect-uri']].flat()[0]);
  }

  get id() {
    return this.registration.client_id;
  }

  /** Everything one sign-in needs, with the address to open. Parameters set to `undefined` are left out. */
  async begin(parameters = {}) {
    const attempt = { verifier: client.randomPKCECodeVerifier(), state: client.randomState(), nonce: client.randomNonce() };
    const all = {
      scope: 'openid profile email',
      redirect_uri: this.redirectUri,
      state: attempt.state,
      nonce: attempt.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(attempt.verifier),
      code_challenge_method: 'S256',
      ...parameters,
    };
    if ('nonce' in parameters) attempt.nonce = parameters.nonce;
    if ('code_challenge' in parameters) attempt.verifier = undefined;
    const given = Object.entries(all).filter(([, value]) => value !== undefined);
    attempt.url = client.buildAuthorizationUrl(this.configuration, Object.fromEntries(given));
    return attempt;
  }

  /** Exchanges the code of a callback; `openid-client` checks state, nonce, issuer and the ID token. */
  async finish(attempt, callback, checks = {}) {
    return client.authorizationCodeGrant(this.configuration, callback, {
      pkceCodeVerifier: attempt.verifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
      idTokenExpected: true,
      ...checks,
    });
  }

  /** Opens an authorization request as `person`, who signs in and allows where asked; resolves to the callback. */
  async visit(robot, person, attempt) {
    let page = await robot.open(attempt.url);
    if (page.form?.('current-password')) page = await signIn(robot, page, person);
    page = await allow(robot, page);
    assert.ok(page.outside, `expected to be back at the application, not on\n${page.describe?.()}`);
    return page.outside;
  }

  /** A whole sign-in: request, whatever the person is asked, code, tokens. */
  async signIn(robot, person, parameters = {}) {
    const attempt = await this.begin(parameters);
    return this.finish(attempt, await this.visit(robot, person, attempt));
  }

  /** The error with which a request came back; fails when it did not. */
  async refusal(robot, parameters) {
    const attempt = await this.begin(parameters);
    const page = await robot.open(attempt.url);
    assert.ok(page.outside, `expected an error at the application, not\n${page.describe?.()}`);
    assert.equal(page.outside.searchParams.get('state'), attempt.state);
    assert.equal(page.outside.searchParams.get('iss'), this.metadata.issuer);
    assert.equal(page.outside.searchParams.get('code'), null);
    return page.outside.searchParams.get('error');
  }

  /** Verifies an ID token with `jose`, the published keys and nothing else; resolves to its claims. */
  async verified(tokens, algorithm = 'RS256') {
    const { issuer } = this.metadata;
    const checks = { issuer, audience: this.id, algorithms: [algorithm], requiredClaims: ['sub', 'iat', 'exp'] };
    const { payload, protectedHeader } = await jwtVerify(tokens.id_token, this.keys, checks);
    assert.ok(protectedHeader.kid, 'the ID token names no key');
    assert.equal(payload.at_hash, halfHash(algorithm, tokens.access_token));
    return payload;
  }

  /** Verifies an access token as a resource server does (RFC 9068 section 4). */
  async verifiedAccess(token) {
    const { issuer } = this.metadata;
    const checks = { issuer, audience: issuer, typ: 'at+jwt', requiredClaims: ['sub', 'iat', 'exp', 'jti', 'client_id'] };
    const { payload } = await jwtVerify(token, this.keys, checks);
    assert.equal(payload.client_id, this.id);
    return payload;
  }

  /** One call of the token endpoint in raw form, as `client_secret_basic`; resolves to status and JSON. */
  async token(parameters) {
    const { client_secret: secret } = this.registration;
    const basic = Buffer.from(`${encodeURIComponent(this.id)}:${encodeURIComponent(secret)}`).toString('base64');
    const response = await fetch(this.metadata.token_endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams(parameters),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  /** The status of the UserInfo endpoint for a token. */
  async userInfoStatus(token) {
    const response = await fetch(this.metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${token}` } });
    return response.status;
  }
}

/** The kind of key and curve in a token's header. */
export const header = decodeProtectedHeader;

/** Asserts that a call of `openid-client` fails with this OAuth error. */
export async function refused(promise, error) {
  await assert.rejects(promise, (failure) => {
    assert.equal(failure.error, error, failure.stack);
    return true;
  });
}

/** `at_hash` (OpenID Connect Core 3.1.3.6): the left half of the hash that goes with the signature. */
function halfHash(algorithm, token) {
  const digest = createHash(algorithm === 'EdDSA' ? 'sha512' : 'sha256').update(token).digest();
  return digest.subarray(0, digest.length / 2).toString('base64url');
}

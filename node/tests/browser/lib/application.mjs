// A small application that signs people in at the provider: what a developer writes with nothing but Node.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';

const secret = () => randomBytes(24).toString('base64url');

/** Listens on a free port; `/start` begins a sign-in, `/callback` ends it and shows the claims of the ID token. */
export class Application {
  #pending = new Map();
  #server = http.createServer((request, response) => {
    this.#serve(request, response).catch((error) => {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${error.message}`);
    });
  });

  /** Registers the application at `provider`; `flags` as for `doorward client create`. */
  static async open(provider, flags = {}) {
    const application = new Application();
    await new Promise((resolve) => { application.#server.listen(0, '127.0.0.1', resolve); });
    application.provider = provider;
    application.origin = `http://127.0.0.1:${application.#server.address().port}`;
    application.registration = await provider.createClient({
      name: 'Photo album',
      'redirect-uri': `${application.origin}/callback`,
      'post-logout-redirect-uri': `${application.origin}/signed-out`,
      ...flags,
    });
    return application;
  }

  close() {
    this.#server.closeAllConnections();
    return new Promise((resolve) => { this.#server.close(resolve); });
  }

  async #serve(request, response) {
    const url = new URL(request.url, this.origin);
    if (url.pathname === '/start') return this.#start(url, response);
    if (url.pathname === '/callback') return this.#callback(await answerIn(request, url), response);
    if (url.pathname === '/leave') return this.#leave(response);
    if (url.pathname === '/signed-out') return show(response, '<h1>Back at the album, signed out</h1>');
    if (url.pathname !== '/') return response.writeHead(url.pathname === '/favicon.ico' ? 204 : 404).end();
    return show(response, '<h1>Photo album</h1><a href="/start">Sign in with Doorward</a>');
  }

  /** Query parameters of `/start` go into the authorization request. */
  #start(url, response) {
    const [state, verifier] = [secret(), secret() + secret()];
    this.#pending.set(state, verifier);
    const target = new URL('/oauth/authorize', this.provider.origin);
    target.search = new URLSearchParams({
      response_type: 'code',
      client_id: this.registration.client_id,
      redirect_uri: `${this.origin}/callback`,
      scope: 'openid profile email',
      state,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...Object.fromEntries(url.searchParams),
    });
    response.writeHead(303, { location: target.href }).end();
  }

  async #callback(answer, response) {
    const verifier = this.#pending.get(answer.get('state'));
    if (!verifier) return show(response, '<h1>Nobody asked for this sign-in</h1>', 400);
    this.#pending.delete(answer.get('state'));
    const error = answer.get('error');
    if (error) return show(response, `<h1>Refused: ${error.replaceAll(/[^a-z_]/g, '')}</h1>`);
    const { client_id: id, client_secret: key } = this.registration;
    const granted = await fetch(new URL('/oauth/token', this.provider.origin), {
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${key}`).toString('base64')}` },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        code: answer.get('code'),
        redirect_uri: `${this.origin}/callback`,
        code_verifier: verifier,
      }),
    });
    const tokens = await granted.json();
    if (!granted.ok) return show(response, `<h1>No tokens</h1><pre>${JSON.stringify(tokens)}</pre>`, 502);
    this.idToken = tokens.id_token;
    this.details = tokens.authorization_details;
    this.claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1], 'base64url'));
    return show(response, `<h1>Welcome to the album</h1><p>${this.claims.amr.join(' ')}</p><a href="/leave">Leave</a>`);
  }

  #leave(response) {
    const target = new URL('/oauth/logout', this.provider.origin);
    target.search = new URLSearchParams({
      id_token_hint: this.idToken,
      post_logout_redirect_uri: `${this.origin}/signed-out`,
    });
    response.writeHead(303, { location: target.href }).end();
  }
}

/** The parameters of an authorization response: in the query, or with `response_mode=form_post` in the body. */
async function answerIn(request, url) {
  if (request.method !== 'POST') return url.searchParams;
  let body = '';
  for await (const part of request.setEncoding('utf8')) body += part;
  return new URLSearchParams(body);
}

function show(response, body, status = 200) {
  const page = `<!doctype html><html lang="en"><title>Photo album</title>${body}</html>`;
  response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' }).end(page);
}

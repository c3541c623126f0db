// A browser with eight sign-ins under way sends 24 KB of cookies with each request; it must be served in every version of
// HTTP that the listener speaks.
import assert from 'node:assert/strict';
import http2 from 'node:http2';
import { suite } from './lib/suite.mjs';

const shared = suite('many-cookies');
const { it } = shared;

const cookies = Array.from({ length: 8 }, (_, number) => `dw_login_${number}=${'x'.repeat(3 * 1024)}`).join('; ');

it('eight large cookies are taken in HTTP/1.1', async () => {
  const response = await fetch(`${shared.server.origin}/login`, { headers: { cookie: cookies } });
  assert.equal(response.status, 200);
});

it('eight large cookies are taken in HTTP/2', async () => {
  const session = http2.connect(shared.server.origin);
  const { host } = new URL(shared.server.origin);
  try {
    const stream = session.request({ ':path': '/login', ':authority': host, host, cookie: cookies });
    const headers = await new Promise((resolve, reject) => {
      stream.once('response', resolve);
      for (const emitter of [stream, session]) emitter.once('error', reject);
    });
    assert.equal(headers[':status'], 200);
    stream.close();
  } finally {
    session.close();
  }
});

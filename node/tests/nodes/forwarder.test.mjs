// The forwarder itself: what goes through is what was sent, and every node gets its share.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { after, test } from 'node:test';
import { forwarder, management } from './forwarder.mjs';

const open = [];
after(() => open.forEach((server) => { server.closeAllConnections?.(); server.close(); }));

async function listening(server) {
  open.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${server.address().port}`;
}

const node = (handle) => listening(http.createServer({ maxHeaderSize: 1 << 20 }, handle));

test('requests go to one node after the other, also on one connection', async () => {
  const nodes = await Promise.all(['a', 'b', 'c'].map((name) => node((_, response) => response.end(name))));
  const front = forwarder(nodes);
  const address = await listening(front);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const seen = [];
  for (let turn = 0; turn < 6; turn += 1) {
    const [response] = await once(http.get(`http://${address}/`, { agent }), 'response');
    seen.push((await response.setEncoding('utf8').toArray()).join(''));
  }
  agent.destroy();
  assert.equal(new Set(seen.slice(0, 3)).size, 3);
  assert.deepEqual(seen.slice(3), seen.slice(0, 3));
  assert.deepEqual(front.counts, [2, 2, 2]);
});

test('headers, repeated ones too, and bodies pass as they are', async () => {
  let got;
  const echo = await node(async (request, response) => {
    got = { raw: request.rawHeaders, url: request.url, body: (await request.setEncoding('utf8').toArray()).join('') };
    response.writeHead(303, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Location', '/x']);
    response.end('over there');
  });
  const address = await listening(forwarder([echo]));
  const request = http.request(`http://${address}/path?q=%2F`, { method: 'POST', headers: { Host: 'id.example', 'X-Long': 'v'.repeat(30_000) } });
  request.write('first,');
  request.end('second');
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 303);
  assert.deepEqual(response.headers['set-cookie'], ['a=1', 'b=2']);
  assert.equal((await response.setEncoding('utf8').toArray()).join(''), 'over there');
  assert.equal(got.url, '/path?q=%2F');
  assert.equal(got.body, 'first,second');
  assert.equal(got.raw[got.raw.indexOf('Host') + 1], 'id.example');
  const added = got.raw.filter((name, index) => index % 2 === 0 && /forward|^via$/i.test(name));
  assert.deepEqual(added, [], 'nothing tells the node that somebody stands in front');
});

test('a connection of HTTP/2 goes to one node as a whole', async () => {
  const address = await listening(forwarder([await listening(http2.createServer((_, response) => response.end('two')))]));
  const session = http2.connect(`http://${address}`);
  const stream = session.request({ ':path': '/' });
  assert.equal((await stream.setEncoding('utf8').toArray()).join(''), 'two');
  session.destroy();
});

test('an answer that breaks off is not made whole', async () => {
  const broken = await node((_, response) => {
    response.writeHead(200, { 'Content-Length': '100' });
    response.write('half', () => response.destroy());
  });
  const address = await listening(forwarder([broken]));
  const [response] = await once(http.get(`http://${address}/`), 'response');
  await assert.rejects(response.toArray());
});

test('together the nodes are as healthy as the least healthy, and their metrics are added up', async () => {
  const nodes = await Promise.all([[200, 'm{a="1"} 2\nn 1\n'], [503, 'm{a="1"} 3\n']].map(([status, metrics]) => node((request, response) => {
    response.writeHead(request.url === '/readyz' ? status : 200);
    response.end(request.url === '/metrics' ? `# TYPE m counter\n${metrics}` : String(status));
  })));
  const address = await listening(management(nodes));
  const ready = await fetch(`http://${address}/readyz`);
  assert.equal(ready.status, 503);
  const metrics = await (await fetch(`http://${address}/metrics`)).text();
  assert.equal(metrics, 'm{a="1"} 5\nn 1\n');
});

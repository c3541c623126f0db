// Stands in front of several nodes as a load balancer does: each request of HTTP/1.1 goes to another node, over a connection
// of its own, and each connection of HTTP/2 as a whole. Nothing is tried twice and nothing is added, so that what the tests
// see is what the nodes did.
import http from 'node:http';
import net from 'node:net';

/** Headers that are about one connection. */
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Larger than a browser's cookies, which the nodes themselves bound. */
const MAX_HEADER_BYTES = 1 << 20;

/** How a connection of HTTP/2 begins (RFC 9113, section 3.4). */
const HTTP_2 = 'PRI * HTTP/2.0';

/** A server that spreads requests over `nodes` (`HOST:PORT`); `counts` of it says how many each got. */
export function forwarder(nodes) {
  let turn = Math.floor(Math.random() * nodes.length);
  const counts = nodes.map(() => 0);
  const next = () => {
    turn = (turn + 1) % nodes.length;
    counts[turn] += 1;
    return nodes[turn];
  };
  const requests = http.createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => forward(next(), request, response));
  // Clients reuse a connection for as long as they like; nobody's request meets one that is just being closed.
  Object.assign(requests, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 });
  const server = net.createServer({ noDelay: true }, (socket) => {
    socket.once('error', () => socket.destroy());
    socket.once('data', (beginning) => {
      socket.pause();
      socket.unshift(beginning);
      if (beginning.toString('latin1').startsWith(HTTP_2)) connect(next(), socket);
      else requests.emit('connection', socket);
      socket.resume();
    });
  });
  return Object.assign(server, { counts });
}

function connect(node, socket) {
  const [host, port] = node.split(':');
  const onward = net.connect({ host, port: Number(port), noDelay: true });
  onward.once('error', () => socket.destroy());
  socket.once('close', () => onward.destroy());
  socket.pipe(onward).pipe(socket);
}

function forward(node, request, response) {
  const [host, port] = node.split(':');
  const framing = 'transfer-encoding' in request.headers ? ['Transfer-Encoding', 'chunked'] : [];
  const headers = [...endToEnd(request.rawHeaders), ...framing, 'Connection', 'close'];
  const options = { host, port, method: request.method, path: request.url, headers, agent: false, maxHeaderSize: MAX_HEADER_BYTES };
  const onward = http.request(options, (answer) => {
    response.sendDate = false;
    response.writeHead(answer.statusCode, answer.statusMessage, endToEnd(answer.rawHeaders));
    answer.pipe(response);
    // Half an answer must not look like a whole one.
    answer.once('aborted', () => response.destroy());
  });
  onward.once('error', (error) => {
    if (response.headersSent) return response.destroy();
    response.writeHead(502, { 'Content-Type': 'text/plain' });
    return response.end(`${node}: ${error.message}\n`);
  });
  response.once('close', () => onward.destroy());
  request.pipe(onward);
}

function endToEnd(raw) {
  return raw.filter((_, index) => !HOP.has(raw[index - (index % 2)].toLowerCase()));
}

/** The management listener of all `nodes` together: as healthy as the least healthy, and the sums of their metrics. */
export function management(nodes) {
  return http.createServer(async (request, response) => {
    const answers = await Promise.all(nodes.map((node) => get(node, request.url)));
    const worst = answers.reduce((one, other) => (other.status > one.status ? other : one));
    response.writeHead(worst.status, { 'Content-Type': worst.type });
    response.end(request.url === '/metrics' ? sum(answers.map((answer) => answer.body)) : worst.body);
  });
}

/** Status and body of a GET; 503 if nobody answers. */
export function get(node, path) {
  return new Promise((resolve) => {
    const request = http.get(`http://${node}${path}`, { agent: false, timeout: 2000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (more) => { body += more; });
      response.once('end', () => resolve({ status: response.statusCode, type: response.headers['content-type'] ?? 'text/plain', body }));
    });
    request.once('error', (error) => resolve({ status: 503, type: 'text/plain', body: `${node}: ${error.message}\n` }));
    request.once('timeout', () => request.destroy(new Error('no answer')));
  });
}

/** One Prometheus text of several: series of the same name and labels are added up. */
function sum(texts) {
  const series = new Map();
  for (const line of texts.flatMap((text) => text.split('\n'))) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    series.set(line.slice(0, at), (series.get(line.slice(0, at)) ?? 0) + Number(line.slice(at + 1)));
  }
  return [...series].map(([name, value]) => `${name} ${value}\n`).join('');
}

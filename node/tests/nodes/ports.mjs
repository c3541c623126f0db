// Ports for servers of tests that listen a while after they were told where. They are below those that the system gives to outgoing
// connections, so that a free one stays free, and each process has a few of its own, so that no two processes choose the same.
import dgram from 'node:dgram';
import net from 'node:net';

const PORTS = { from: 12_000, slots: 500, each: 40 };
const first = PORTS.from + PORTS.each * (process.pid % PORTS.slots);
let given = 0;

/** Ports that are free for TCP and for UDP; none is named again before its turn comes round. */
export async function freePorts(count) {
  const found = [];
  for (let tried = 0; found.length < count; tried += 1) {
    if (tried === PORTS.each) throw new Error(`${count} ports from ${first} on are not free`);
    const port = first + (given % PORTS.each);
    given += 1;
    if (await free(port)) found.push(port);
  }
  return found;
}

function free(port) {
  return new Promise((resolve) => {
    const tcp = net.createServer().once('error', () => resolve(false));
    tcp.listen(port, '127.0.0.1', () => {
      const udp = dgram.createSocket('udp4').once('error', () => tcp.close(() => resolve(false)));
      udp.bind(port, '127.0.0.1', () => udp.close(() => tcp.close(() => resolve(true))));
    });
  });
}

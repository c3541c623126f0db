// One statement at a time to a CQL server, for what `doorward` itself never does: dropping a keyspace. The frames are those
// of the native protocol, version 4 (native_protocol_v4.spec of Apache Cassandra, sections 2 and 4.1).
import net from 'node:net';
import { once } from 'node:events';

const REQUEST = 0x04;
const STARTUP = 0x01;
const QUERY = 0x07;
const ERROR = 0x00;
const QUORUM = 0x0004;
const HEADER = 9;

/** Runs a statement at `HOST:PORT` and gives the answer as it is; throws what the server says against it. */
export async function execute(node, statement) {
  const [host, port] = node.split(':');
  const socket = net.connect({ host, port: Number(port) });
  try {
    await once(socket, 'connect');
    await ask(socket, STARTUP, Buffer.concat([short(1), text('CQL_VERSION'), text('3.0.0')]));
    const words = Buffer.from(statement);
    const length = Buffer.alloc(4);
    length.writeInt32BE(words.length);
    return await ask(socket, QUERY, Buffer.concat([length, words, short(QUORUM), Buffer.from([0])]));
  } finally {
    socket.destroy();
  }
}

/** The number of rows that a table has, as `SELECT count(*)` says it: a bigint at the very end of the answer. */
export async function count(node, table) {
  const answer = await execute(node, `SELECT count(*) FROM ${table}`);
  return Number(answer.readBigInt64BE(answer.length - 8));
}

async function ask(socket, kind, body) {
  const header = Buffer.from([REQUEST, 0, 0, 0, kind, 0, 0, 0, 0]);
  header.writeInt32BE(body.length, 5);
  socket.write(Buffer.concat([header, body]));
  let answer = Buffer.alloc(0);
  while (answer.length < HEADER || answer.length < HEADER + answer.readInt32BE(5)) {
    const [more] = await once(socket, 'data');
    answer = Buffer.concat([answer, more]);
  }
  // The body of an error is a number and a text.
  if (answer[4] === ERROR) throw new Error(`CQL: ${answer.toString('utf8', HEADER + 6)}`);
  return answer.subarray(HEADER);
}

function short(value) {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

function text(value) {
  return Buffer.concat([short(value.length), Buffer.from(value)]);
}

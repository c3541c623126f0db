#!/usr/bin/env node
// Several doorward nodes that look like one, so that the tests of one node run against a cluster unchanged: `serve` starts
// the nodes and a forwarder where the one node would listen; every other verb is that of the program, on the nodes' store.
// `nodes` prints as JSON who they are and what their environments are, for tests that start and kill each by itself;
// `copies` prints how many copies the store has room for, `forget` drops what earlier runs left in it; `cql STATEMENT` prints what the store answers to it, with KEYSPACE as
// the name of the nodes' own.
//
// Environment: DOORWARD_TEST_NODES (3), DOORWARD_TEST_CQL (HOST:PORT,…), DOORWARD_TEST_SEEDS (addresses; store: nodes find each
// other by the store alone; dns: by one name alone), DOORWARD_BIN; all else goes to the nodes.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import readline from 'node:readline';
import { forwarder, get, management } from './forwarder.mjs';
import { execute } from './cql.mjs';
import { BINARY, copies, forget, ground, switches } from './ground.mjs';

const READY_WITHIN_MS = 60_000;
const POLL_MS = 25;
const json = process.env.DOORWARD__LOG__FORMAT === 'json';

/** Says something in the log, as a node does. */
function say(message, fields = {}) {
  const words = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`).join('');
  console.error(json ? JSON.stringify({ level: 'INFO', message, ...fields }) : `INFO all nodes: ${message}${words}`);
}

/** A line of a node's log, with its name; where it listens is not for those who wait for the whole. */
function relay(name, line) {
  if (!json || !line.startsWith('{')) return console.error(`${name} ${line}`);
  const told = { ...JSON.parse(line), node_name: name };
  if (['ready', 'management listens'].includes(told.message)) told.message = `${name}: ${told.message}`;
  return console.error(JSON.stringify(told));
}

function start(member, words) {
  // A node does not outlive this process, however it ends.
  const line = ['--pdeathsig', 'KILL', ...member.within, BINARY, ...words];
  const options = { env: { ...process.env, ...member.environment }, stdio: ['ignore', 'pipe', 'pipe'] };
  const child = spawn('setpriv', line, options);
  readline.createInterface({ input: child.stdout }).on('line', (text) => console.log(text));
  readline.createInterface({ input: child.stderr }).on('line', (text) => relay(member.name, text));
  return child;
}

async function ready(member, child) {
  const deadline = Date.now() + READY_WITHIN_MS;
  while ((await get(member.management, '/readyz')).status !== 200) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${member.name} ended before it was ready`);
    if (Date.now() > deadline) throw new Error(`${member.name} was not ready within ${READY_WITHIN_MS} ms`);
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
}

async function listen(server, address, message) {
  const [host, port] = address.split(':');
  server.listen(Number(port), host);
  await once(server, 'listening');
  say(message, { address: `${host}:${server.address().port}` });
}

async function serve(words) {
  const { members } = await ground(process.cwd());
  const children = members.map((member) => start(member, words));
  const ends = children.map((child, index) => once(child, 'exit').then(([code, signal]) => {
    if (code !== 0) say('a node ended', { node_name: members[index].name, code, signal });
    return code ?? 1;
  }));
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => children.forEach((child) => child.kill(signal)));
  }
  await Promise.all(members.map((member, index) => ready(member, children[index])));
  const managed = management(members.map((member) => member.management));
  await listen(managed, process.env.DOORWARD__MANAGEMENT__LISTEN ?? '127.0.0.1:11081', 'management listens');
  const front = forwarder(members.map((member) => member.http));
  await listen(front, process.env.DOORWARD__HTTP__LISTEN ?? '127.0.0.1:11080', 'ready');
  // All end together, on a signal; one that ends by itself ends the rest.
  const first = await Promise.race(ends);
  if (first !== 0) children.forEach((child) => child.kill('SIGKILL'));
  const codes = await Promise.all(ends);
  say('requests that each node took', { counts: front.counts.join(' ') });
  process.exit(first || Math.max(...codes));
}

/** A verb of the program, with its own output and exit code. */
async function verb(words) {
  const { shared } = await ground(process.cwd());
  const child = spawn(BINARY, words, { env: { ...process.env, ...shared }, stdio: 'inherit' });
  const [code] = await once(child, 'exit');
  process.exit(code ?? 1);
}

/** A statement at the first node of the store. */
async function cql(statement) {
  const { keyspace } = await ground(process.cwd());
  const answer = await execute(switches().stores[0], statement.replaceAll('KEYSPACE', keyspace));
  // Texts of rows are readable in it; the rest is lengths and types.
  process.stdout.write(answer.toString('utf8'));
}

const words = process.argv.slice(2);
try {
  if (words[0] === 'serve') await serve(words);
  else if (words[0] === 'nodes') console.log(JSON.stringify(await ground(process.cwd())));
  else if (words[0] === 'forget') await forget();
  else if (words[0] === 'copies') console.log(await copies());
  else if (words[0] === 'cql') await cql(words[1]);
  else await verb(words);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}

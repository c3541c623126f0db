// What the nodes of one cluster share: a keyspace of their own, certificates, master keys, and who is where. It belongs to
// a folder, is made when first asked for, and is gone with it: keyspaces whose folder is no more are dropped here.
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { count, execute } from './cql.mjs';
import { freePorts } from './ports.mjs';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
/** The program under test. */
export const BINARY = path.resolve(ROOT, process.env.DOORWARD_BIN || 'target/debug/doorward');
/** One file a keyspace, named like it; it says whose it is. */
const KEYSPACES = path.join(ROOT, 'target/test-keyspaces');
const WITHIN_MS = 60_000;

/** The name under which nodes find each other, if that is how they do; no other machine knows it. */
const NAME = 'nodes.doorward.test';

/** The CQL nodes of the tests, how many doorward nodes serve, and how these find each other: by `addresses`, `store` or `dns`. */
export function switches() {
  const stores = (process.env.DOORWARD_TEST_CQL || '127.0.0.1:9042,127.0.0.2:9042,127.0.0.3:9042').split(',');
  return { stores, nodes: Number(process.env.DOORWARD_TEST_NODES || 3), seeds: process.env.DOORWARD_TEST_SEEDS || 'addresses' };
}

/** Copies of each partition: three, or as many as the store has nodes. */
export async function copies() {
  const { stores } = switches();
  const others = await count(stores[0], 'system.peers');
  return Math.min(3, others + 1);
}

/** The ground in `folder`; whoever comes first makes it, and the others wait. */
export async function ground(folder) {
  const own = path.join(folder, 'nodes');
  const file = path.join(own, 'ground.json');
  try {
    await mkdir(own);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    return made(file);
  }
  try {
    await forget();
    const fresh = await make(folder, own);
    await writeFile(`${file}.new`, JSON.stringify(fresh));
    await rename(`${file}.new`, file);
    return fresh;
  } catch (error) {
    // So that nobody waits for it.
    await rm(own, { recursive: true });
    throw error;
  }
}

async function made(file) {
  const deadline = Date.now() + WITHIN_MS;
  while (Date.now() < deadline) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text) return JSON.parse(text);
    await new Promise((resolve) => { setTimeout(resolve, 25); });
  }
  throw new Error(`${file} was not made within ${WITHIN_MS} ms`);
}

async function make(folder, own) {
  const { stores, nodes, seeds } = switches();
  const names = Array.from({ length: nodes }, (_, index) => `node${index + 1}`);
  const keyspace = `test_${randomBytes(8).toString('hex')}`;
  await mkdir(KEYSPACES, { recursive: true });
  await writeFile(path.join(KEYSPACES, keyspace), folder);
  const keys = path.join(own, 'master-keys');
  await writeFile(keys, `k1:${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const shared = {
    DOORWARD__STORE__URL: `scylla://${stores.join(',')}/${keyspace}?replication=${await copies()}`,
    DOORWARD_MASTER_KEYS_FILE: keys,
  };
  const tls = path.join(own, 'tls');
  await command(own, shared, 'migrate', 'up');
  await command(own, shared, 'cluster', 'certs', '--out', tls, ...names.flatMap((name) => ['--node', name]));
  const ports = await freePorts(3 * nodes);
  const address = (kind, index) => `127.0.0.1:${ports[3 * index + kind]}`;
  const meeting = await meet(seeds, own, names.map((_, index) => address(2, index)));
  const members = names.map((name, index) => ({
    name,
    within: meeting.within,
    http: address(0, index),
    management: address(1, index),
    environment: {
      ...shared,
      DOORWARD__HTTP__LISTEN: address(0, index),
      DOORWARD__MANAGEMENT__LISTEN: address(1, index),
      DOORWARD__CLUSTER__NODE: name,
      DOORWARD__CLUSTER__LISTEN: meeting.addresses[index],
      DOORWARD__CLUSTER__ADVERTISE: meeting.addresses[index],
      DOORWARD__CLUSTER__SEEDS: meeting.seeds,
      DOORWARD__CLUSTER__TLS__CA: path.join(tls, 'ca.crt'),
      DOORWARD__CLUSTER__TLS__CERT: path.join(tls, `${name}.crt`),
      DOORWARD__CLUSTER__TLS__KEY: path.join(tls, `${name}.key`),
    },
  }));
  return { keyspace, shared, members };
}

/** Where nodes listen for each other, which seeds they get, and what they are started within, if anything. */
async function meet(seeds, own, addresses) {
  if (seeds === 'addresses') return { addresses, seeds: addresses.join(','), within: [] };
  if (seeds === 'store') return { addresses, seeds: 'store', within: [] };
  if (seeds !== 'dns') throw new Error(`DOORWARD_TEST_SEEDS=${seeds}: it is addresses, store or dns`);
  // One name, so one port, and an address for each; first comes one of a node that is no more, as names have them for a while.
  const port = addresses[0].split(':')[1];
  const hosts = path.join(own, 'hosts');
  const there = addresses.map((_, index) => `127.0.0.${index + 1}`);
  const lines = [`127.0.0.${there.length + 1}`, ...there].map((address) => `${address} ${NAME}\n`);
  await writeFile(hosts, `127.0.0.1 localhost\n${lines.join('')}`);
  // In a mount namespace of its own a process has its own /etc/hosts, and needs nobody's leave for it.
  const within = ['unshare', '--map-root-user', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
  return { addresses: there.map((address) => `${address}:${port}`), seeds: `dns:${NAME}:${port}`, within };
}

async function command(folder, environment, ...words) {
  const options = { cwd: folder, env: { PATH: process.env.PATH, ...environment }, timeout: WITHIN_MS };
  try {
    await promisify(execFile)(BINARY, words, options);
  } catch (error) {
    throw new Error(`doorward ${words.join(' ')}: ${error.message}`);
  }
}

/** Drops the keyspaces whose folders are gone. */
export async function forget() {
  const { stores } = switches();
  for (const keyspace of await readdir(KEYSPACES).catch(() => [])) {
    const note = path.join(KEYSPACES, keyspace);
    const folder = await readFile(note, 'utf8').catch(() => undefined);
    const there = folder && await access(folder).then(() => true, () => false);
    if (folder && !there) {
      await execute(stores[0], `DROP KEYSPACE IF EXISTS ${keyspace}`);
      await rm(note, { force: true });
    }
  }
}

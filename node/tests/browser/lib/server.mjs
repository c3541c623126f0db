// Starts the real `doorward` binary on free ports with a data folder of its own, and asks its command line for clients,
// users and links. Nothing here is a stand-in: what the tests talk to is what an operator runs. With DOORWARD_TEST_NODES it
// is several nodes behind a forwarder, on a CQL cluster (`node/tests/nodes/doorward.mjs`).
import { execFile, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../../nodes/ports.mjs';

/** The repository, and the program under test. */
export const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
export const CLUSTER = Boolean(process.env.DOORWARD_TEST_NODES);
export const BINARY = CLUSTER
  ? path.join(ROOT, 'node/tests/nodes/doorward.mjs')
  : path.resolve(ROOT, process.env.DOORWARD_BIN || 'target/debug/doorward');
/** What the program for several nodes goes by. */
const SWITCHES = Object.fromEntries(Object.entries(process.env).filter(([name]) => /^DOORWARD_(TEST_|BIN$)/.test(name)));
const READY_WITHIN_MS = CLUSTER ? 90_000 : 20_000;
const POLL_MS = 25;
const STOP_WITHIN_MS = CLUSTER ? 60_000 : 15_000;
const COMMAND_WITHIN_MS = 30_000;
const LOG_TAIL = 20;

/** Where pictures and logs of a run are kept. */
export const TARGET = path.join(ROOT, 'target');

/** A running server. Call `stop` when done; the data folder goes with it. */
export class Server {
  #child;
  #lines = [];
  #log;
  #exited;

  constructor(name, origin, management, folder, environment) {
    this.name = name;
    this.origin = origin;
    this.management = management;
    this.folder = folder;
    this.environment = environment;
  }

  async launch() {
    const logs = path.join(TARGET, 'test-logs');
    await mkdir(logs, { recursive: true });
    this.#log = createWriteStream(path.join(logs, `${this.name}.log`), { flags: 'a' });
    this.#child = spawn(BINARY, ['serve'], { cwd: this.folder, env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] });
    process.once('exit', () => this.#child.kill('SIGKILL'));
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(`could not be started: ${error.message}`));
      this.#child.once('exit', (code, signal) => resolve(`ended with ${signal ?? `exit code ${code}`}`));
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => this.#keep(text));
    }
    await this.#ready();
  }

  #keep(text) {
    this.#log.write(text);
    this.#lines.push(...text.split('\n').filter((line) => line !== ''));
    this.#lines.splice(0, Math.max(0, this.#lines.length - 2000));
  }

  /** Polls the readiness probe, and gives up at once when the process ends. */
  async #ready() {
    let end;
    this.#exited.then((reason) => { end = reason; });
    const deadline = Date.now() + READY_WITHIN_MS;
    while (Date.now() < deadline) {
      if (end) throw new Error(`${BINARY} ${end}\n${this.tail()}`);
      if (await probe(`${this.management}/readyz`)) return;
      await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
    }
    throw new Error(`${BINARY} was not ready within ${READY_WITHIN_MS} ms\n${this.tail()}`);
  }

  /** The last lines of what the server printed. */
  tail() {
    return `--- ${this.name}: last lines of the server\n${this.#lines.slice(-LOG_TAIL).join('\n')}\n---`;
  }

  /** Everything kept of what the server printed. */
  printed() {
    return this.#lines.join('\n');
  }

  /** Runs a verb of the command line against this server; resolves to what it printed. */
  async command(...words) {
    return new Promise((resolve, reject) => {
      const options = { cwd: this.folder, env: this.environment, timeout: COMMAND_WITHIN_MS };
      execFile(BINARY, words, options, (error, stdout, stderr) => {
        if (error) reject(new Error(`doorward ${words.join(' ')}: ${error.message}\n${stderr}\n${this.tail()}`));
        else resolve(stdout);
      });
    });
  }

  /** Registers a client; `flags` maps a flag to its value, to a list of values, or to `true`. */
  async createClient(flags) {
    const words = Object.entries(flags).flatMap(([flag, value]) => {
      if (value === true) return [`--${flag}`];
      return [value].flat().flatMap((one) => [`--${flag}`, one]);
    });
    return JSON.parse(await this.command('client', 'create', ...words, '--output', 'json'));
  }

  /** Ends the process as an operator does; a server that does not end by itself is an error. */
  async stop() {
    this.#child.kill('SIGTERM');
    let timer;
    const late = new Promise((resolve) => { timer = setTimeout(() => resolve('late'), STOP_WITHIN_MS); });
    const reason = await Promise.race([this.#exited, late]);
    clearTimeout(timer);
    if (reason === 'late') this.#child.kill('SIGKILL');
    this.#log.end();
    await rm(this.folder, { recursive: true, force: true });
    if (reason !== 'ended with exit code 0') throw new Error(`${BINARY} on SIGTERM: ${reason}\n${this.tail()}`);
  }
}

/**
 * Starts a server named after its suite. `settings` are further configuration keys as environment variables. All tests
 * come from one address, so the bounds per address are raised; the bounds per account stay as they are.
 */
export async function startServer(name, settings = {}) {
  const [port, managementPort] = await freePorts(2);
  const folder = await mkdtemp(path.join(tmpdir(), 'doorward-'));
  const environment = {
    PATH: process.env.PATH,
    HOME: folder,
    ...SWITCHES,
    DOORWARD__HTTP__LISTEN: `127.0.0.1:${port}`,
    DOORWARD__MANAGEMENT__LISTEN: `127.0.0.1:${managementPort}`,
    DOORWARD__ISSUER: `http://localhost:${port}`,
    DOORWARD__STORE__URL: `embedded:${path.join(folder, 'data')}`,
    DOORWARD__LIMITS__FAILURES_PER_ADDRESS: '100000',
    DOORWARD__LIMITS__REGISTRATIONS_PER_ADDRESS: '100000',
    ...settings,
  };
  const management = `http://127.0.0.1:${managementPort}`;
  const server = new Server(name, `http://localhost:${port}`, management, folder, environment);
  await server.launch();
  return server;
}

/** `test` of node:test, but a failure also shows the end of the server's log. */
export function witnessed(test, server) {
  return (name, body) => test(name, async (context) => {
    try {
      await body(context);
    } catch (error) {
      error.stack += `\n${server().tail()}`;
      throw error;
    }
  });
}

function probe(url) {
  return new Promise((resolve) => {
    const request = http.get(url, { timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once('error', () => resolve(false));
    request.once('timeout', () => request.destroy());
  });
}

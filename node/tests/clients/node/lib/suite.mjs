// One server for a test file, and tests whose failures show its log.
import { after, before, test } from 'node:test';
import { startServer, witnessed } from '../../../browser/lib/server.mjs';
import { person } from '../../../browser/lib/people.mjs';
import { register } from './journeys.mjs';
import { Robot } from './robot.mjs';

/**
 * Starts a server before the tests of a file; `prepare` gets what the tests share and may add to it. What is put into
 * `closing` is called at the end.
 */
export function suite(name, prepare = () => {}, settings = {}) {
  const shared = { closing: [] };
  before(async () => {
    shared.server = await startServer(name, settings);
    try {
      await prepare(shared);
    } catch (error) {
      error.stack += `\n${shared.server.tail()}`;
      throw error;
    }
  });
  after(async () => {
    for (const close of shared.closing) await close();
    await shared.server?.stop();
  });
  shared.it = witnessed(test, () => shared.server);
  return shared;
}

/** A new person with an account and a browser that is signed in. */
export async function someone(server) {
  const who = person();
  const robot = new Robot(server.origin);
  await register(robot, who);
  return { who, robot };
}

// The tour of the README, pasted as it stands. Only the two ports, which may be taken here, and the path of the binary are
// led elsewhere.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { enrolTotp, fillRegistration, allow, signIn, signOut } from './lib/journeys.mjs';
import { person } from '../../browser/lib/people.mjs';
import { BINARY, ROOT } from '../../browser/lib/server.mjs';
import { freePorts } from '../../nodes/ports.mjs';
import { Robot } from './lib/robot.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('tour');
const { it, closing } = shared;

/** The shell blocks of the tour, as a person copies them from the rendered page. */
async function blocks() {
  const readme = await readFile(`${ROOT}/README.md`, 'utf8');
  const tour = readme.split(/^## /m).find((section) => /^a tour/i.test(section));
  return [...tour.matchAll(/^( *)```sh\n([\s\S]*?)^ *```$/gm)].map(([, indent, text]) => text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''));
}

/** Pastes a block into a shell in the server's folder; resolves when it ended, or printed `until`. */
function paste(text, until) {
  const options = { cwd: shared.server.folder, env: shared.server.environment, detached: true };
  const shell = spawn('bash', ['-euc', text], options);
  let printed = '';
  closing.push(() => {
    if (shell.exitCode === null && shell.signalCode === null) process.kill(-shell.pid);
  });
  return new Promise((resolve, reject) => {
    shell.once('exit', (code) => (code === 0 ? resolve(printed) : reject(new Error(`exit code ${code}\n${printed}`))));
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (more) => {
        printed += more;
        if (until?.test(printed)) resolve(printed);
      });
    }
  });
}

/** The application's answer after the person did what the provider asked. */
async function throughTheApplication(application, robot, act) {
  const begun = await fetch(application, { redirect: 'manual' });
  const page = await allow(robot, await act(await robot.open(begun.headers.get('location'))));
  assert.ok(page.outside, page.describe?.());
  return (await fetch(page.outside)).json();
}

it('the tour works when pasted', async () => {
  const [port] = await freePorts(1);
  const here = (text) => text
    .replaceAll('localhost:3000', `localhost:${port}`)
    .replaceAll('listen(3000', `listen(${port}`)
    .replaceAll('http://localhost:11080', shared.server.origin)
    .replaceAll('target/debug/doorward', BINARY);
  const [register, write] = await blocks();
  await paste(here(register));
  const application = `http://localhost:${port}`;
  await paste(here(write), new RegExp(application));

  const who = person();
  const robot = new Robot(shared.server.origin);
  const first = await throughTheApplication(application, robot, async (page) => {
    return fillRegistration(robot, await robot.follow(page, /create an account/i), who);
  });
  assert.deepEqual(first.amr, ['pwd']);
  await enrolTotp(robot, who);
  await signOut(robot);
  const second = await throughTheApplication(application, robot, (page) => signIn(robot, page, who));
  assert.deepEqual(second.amr, ['mfa', 'otp', 'pwd']);
  assert.equal(second.sub, first.sub);
});

// Passkeys whose maker must vouch for them, in a browser whose authenticators are nobody's: refused, and the page says why.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { button, expectHeading, expectText, register } from './lib/steps.mjs';
import { KEY_WITH_PIN, PHONE, Passkeys } from './lib/passkeys.mjs';
import { ROOT } from './lib/server.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

// Any authority will do that has made no authenticator. The program itself makes one, also where several nodes stand for it.
const PROGRAM = path.resolve(ROOT, process.env.DOORWARD_BIN || 'target/debug/doorward');
const folder = mkdtempSync(path.join(tmpdir(), 'doorward-maker-'));
execFileSync(PROGRAM, ['cluster', 'certs', '--out', folder, '--node', 'a']);
const shared = suite('browser-attestation', (all) => {
  all.closing.push(() => rmSync(folder, { recursive: true }));
}, {
  DOORWARD__PASSKEYS__ATTESTATION: 'require',
  DOORWARD__PASSKEYS__ATTESTATION_ROOTS: path.join(folder, 'ca.crt'),
});
const { it } = shared;

for (const [what, traits] of Object.entries({ 'a security key': KEY_WITH_PIN, 'a phone': PHONE })) {
  it(`${what} that nobody vouches for is not added, and the page says why`, () => shared.visit(async (tab) => {
    const { origin } = shared.server;
    await register(tab, origin, person());
    const key = await Passkeys.plug(tab, traits);
    await tab.goto(`${origin}/account/mfa`);
    await button(tab, /^add a passkey$/i);
    await expectHeading(tab, /create a passkey/i);
    const options = await tab.locator('form[data-passkey]').getAttribute('data-options');
    assert.equal(JSON.parse(options).attestation, 'direct');
    await button(tab, /^create a passkey$/i);
    await expectText(tab, /does not come from a maker that the people who run this service trust/i);
    assert.match(await tab.title(), /^Error/);
    await key.unplug();
    await tab.goto(`${origin}/account/mfa`);
    await expectText(tab, /enable multi-factor authentication/i);
  }, { javaScriptEnabled: true }));
}

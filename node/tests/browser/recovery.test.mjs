// Somebody has lost all second steps: asks for a recovery, and cancels it by the link in the message, by a sign-in, or has an operator do it. What comes after the wait no browser waits for; `api/tests/routes/recovery.rs` has it.
import assert from 'node:assert/strict';
import {
  beginAddress, button, confirmSaved, enrol, enterCode, enterPassword, expectHeading, expectText, link, readCodes, register, scan,
  signOut,
} from './lib/steps.mjs';
import { cancelLink, mailedCode } from './lib/inbox.mjs';
import { look } from './lib/looks.mjs';
import { person } from './lib/people.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-recovery', () => {}, { DOORWARD__RECOVERY__WAITING_DAYS: '3' });
const { it, visit } = shared;
const origin = () => shared.server.origin;
const at = (path) => `${origin()}${path}`;

/** Somebody with an authenticator app and, if so, a confirmed address, whose browser is left behind. */
async function member({ reached = true } = {}) {
  const who = person();
  await visit(async (tab) => {
    await register(tab, origin(), who);
    if (reached) {
      await tab.goto(at('/account/mfa'));
      await beginAddress(tab, who);
      await enterCode(tab, await mailedCode(origin(), who));
      await readCodes(tab);
      await confirmSaved(tab);
      await tab.goto(at('/account'));
      await link(tab, /multi-factor authentication/i);
      await button(tab, /set up authenticator app/i);
      who.authenticator = await scan(tab);
      await enterCode(tab, await who.authenticator.next());
    } else {
      await enrol(tab, who);
      await confirmSaved(tab);
    }
    await expectHeading(tab, /multi-factor authentication/i);
  });
  return who;
}

/** To the page of the recovery, as somebody who has nothing but the password. */
async function lost(tab, who) {
  await tab.goto(at('/login'));
  await enterPassword(tab, who);
  await expectHeading(tab, /verification code/i);
  await link(tab, /lost all my second steps/i);
}

async function ask(tab, who) {
  await lost(tab, who);
  await expectHeading(tab, /lost all your second steps/i);
  await button(tab, /ask to recover/i);
  await expectHeading(tab, /your recovery waits/i);
}

it('a recovery is asked for without JavaScript, and the link in the message cancels it from another browser', async () => {
  const who = await member();
  await visit(async (tab) => {
    await ask(tab, who);
    await tab.reload();
    await expectHeading(tab, /your recovery waits/i);
  });
  const waiting = JSON.parse(await shared.server.command('user', 'recovery', 'list', '--output', 'json'));
  assert.ok(waiting.some((row) => row.user_name === who.name), JSON.stringify(waiting));
  const cancel = await cancelLink(origin(), who);
  await visit(async (tab) => {
    await tab.goto(at(cancel));
    await expectHeading(tab, /was this not you/i);
    await button(tab, /this was not me/i);
    await expectHeading(tab, /it is cancelled/i);
    await tab.goto(at(cancel));
    await expectHeading(tab, /this link does not work/i);
    await lost(tab, who);
    await expectHeading(tab, /this recovery was cancelled/i);
  });
});

it('who finds the authenticator app signs in with it, which cancels the recovery', async () => {
  const who = await member();
  await visit(async (tab) => {
    await ask(tab, who);
    await link(tab, /use your authenticator app/i);
    await enterCode(tab, await who.authenticator.next());
    await expectHeading(tab, /your account/i);
  });
  await visit(async (tab) => {
    await lost(tab, who);
    await expectText(tab, /a sign-in with a second step cancelled it/i);
  });
});

it('an operator cancels one, and an account without a confirmed address is sent to them', async () => {
  const who = await member();
  await visit(async (tab) => {
    await ask(tab, who);
    assert.match(await shared.server.command('user', 'show', who.name), /recovery\s+begun .* can be completed from/);
    assert.match(await shared.server.command('user', 'recovery', 'cancel', who.name), /cancelled/);
    await tab.reload();
    await expectHeading(tab, /this recovery was cancelled/i);
  });
  const other = await member({ reached: false });
  await visit(async (tab) => {
    await lost(tab, other);
    await expectText(tab, /cannot be recovered here/i);
  });
});

it('the pages of a recovery', async () => {
  const who = await member();
  await shared.visit(async (tab) => {
    await lost(tab, who);
    await look(tab, 'recovery');
    await button(tab, /ask to recover/i);
    await look(tab, 'recovery-waiting');
    await tab.goto(at(await cancelLink(origin(), who)));
    await look(tab, 'recovery-cancel');
    await button(tab, /this was not me/i);
    await look(tab, 'recovery-cancelled');
    await lost(tab, who);
    await look(tab, 'recovery-closed');
  }, { javaScriptEnabled: true });
});

it('a session shows that a recovery waits, and cancels it', async () => {
  const who = await member();
  await shared.visit(async (tab) => {
    await tab.goto(at('/login'));
    await enterPassword(tab, who);
    await enterCode(tab, await who.authenticator.next());
    await expectHeading(tab, /your account/i);
    await visit((elsewhere) => ask(elsewhere, who));
    await tab.goto(at('/account'));
    await look(tab, 'account-recovery');
    await button(tab, /this was not me/i);
    await expectText(tab, /the recovery was cancelled/i);
    await signOut(tab);
  }, { javaScriptEnabled: true });
});

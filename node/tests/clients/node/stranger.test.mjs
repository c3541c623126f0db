// A robot without JavaScript that knows no path and no field name gets through registration, enrolment, sign-in and every
// kind of recovery, from the front page.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import {
  backupCodes, enrolTotp, enterPassword, expectSignedIn, expectWords, openFactors, reauthenticated, signIn, signInFromFront,
  signOut,
} from './lib/journeys.mjs';
import { passphrase, person } from '../../browser/lib/people.mjs';
import { Robot } from './lib/robot.mjs';
import { someone, suite } from './lib/suite.mjs';

const shared = suite('stranger');
const { it } = shared;

const fresh = () => new Robot(shared.server.origin);

/** From the front page to the page that asks for a code. */
async function toCode(robot, who) {
  const page = await enterPassword(robot, await robot.follow(await robot.open('/'), /sign in/i), who);
  assert.ok(page.form('one-time-code'), page.describe());
  return page;
}

const signInByBackupCode = async (robot, who, code) => {
  const page = await robot.follow(await toCode(robot, who), /backup code/i);
  return robot.submit(page, 'one-time-code', [['one-time-code', code]]);
};

it('registration signs in at once, and the account says what it knows', async () => {
  const { who, robot } = await someone(shared.server);
  const account = await robot.open('/account');
  expectWords(account, new RegExp(who.name));
  expectWords(account, /not verified/i);
  const out = await signOut(robot);
  expectWords(out, /signed out/i);
  assert.ok((await robot.open('/account')).form('current-password'), 'the account asks to sign in');
});

it('a name that is taken, a password that is short and one that is common are refused in words', async () => {
  const { who } = await someone(shared.server);
  const robot = fresh();
  for (const [name, password, words] of [
    [who.name, passphrase(), /taken/i],
    [person().name, 'short', /15|longer|characters/i],
    [person().name, 'passwordpassword', /common|guess|easy/i],
  ]) {
    const page = await robot.follow(await robot.open('/'), /create an account/i);
    const answer = await robot.submit(page, 'new-password', [['username', name], ['new-password', password]]);
    expectWords(answer, words);
    assert.match(answer.title, /^Error/);
    assert.ok(!answer.body.includes(password), 'a password must not come back');
  }
});

it('an authenticator app is enrolled, and then asked for', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const elsewhere = fresh();
  const page = await toCode(elsewhere, who);
  const done = await elsewhere.submit(page, 'one-time-code', [['one-time-code', await spaced(who)]]);
  expectSignedIn(done);
});

const spaced = async (who) => (await who.authenticator.next()).replace(/^(...)/, '$1 ');

it('a code of the authenticator app works once, the one that enrolled it not again', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const code = await who.authenticator.next();
  const first = fresh();
  expectSignedIn(await first.submit(await toCode(first, who), 'one-time-code', [['one-time-code', code]]));
  const second = fresh();
  const refused = await second.submit(await toCode(second, who), 'one-time-code', [['one-time-code', code]]);
  assert.ok(refused.form('one-time-code'), refused.describe());
  assert.match(refused.title, /^Error/);
});

it('a backup code signs in once, in any spelling, and is counted', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const code = who.codes[randomInt(10)];
  expectSignedIn(await signInByBackupCode(fresh(), who, code.toLowerCase().replaceAll('-', ' ')));
  const again = await signInByBackupCode(fresh(), who, code);
  assert.match(again.title, /^Error/);
  expectWords(await openFactors(robot), /\b9\b/);
});

it('new backup codes replace the old ones after a fresh proof', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const old = who.codes;
  let page = await robot.follow(await openFactors(robot), /new backup codes/i);
  page = await reauthenticated(robot, page, who);
  page = await robot.submit(page, /new backup codes/i, [], /new backup codes/i);
  const codes = backupCodes(page);
  await robot.submit(page, /continue/i, [[/saved/i, true]]);
  assert.ok(codes.every((code) => !old.includes(code)));
  assert.match((await signInByBackupCode(fresh(), who, old[0])).title, /^Error/);
  expectSignedIn(await signInByBackupCode(fresh(), who, codes[0]));
});

it('the authenticator app is removed only after a fresh proof, and then no longer asked for', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const elsewhere = fresh();
  await signInFromFront(elsewhere, who);
  let page = await elsewhere.follow(await openFactors(elsewhere), /^remove/i);
  page = await reauthenticated(elsewhere, page, who);
  page = await elsewhere.submit(page, /remove/i, [], /remove/i);
  expectWords(page, /removed|off/i);
  const later = fresh();
  expectSignedIn(await enterPassword(later, await later.follow(await later.open('/'), /sign in/i), who));
});

it('a changed password ends the other sessions and is the only one that works', async () => {
  const { who, robot } = await someone(shared.server);
  const elsewhere = fresh();
  await signInFromFront(elsewhere, who);
  const former = who.password;
  who.password = passphrase();
  const account = await robot.follow(await robot.open('/'), /your account/i);
  let page = await robot.follow(account, /change password/i);
  page = await reauthenticated(robot, page, { ...who, password: former });
  page = await robot.submit(page, 'new-password', [['current-password', former], ['new-password', who.password]]);
  expectWords(page, /password was changed/i);
  assert.ok((await elsewhere.open('/account')).form('current-password'), 'the other session must be over');
  const later = fresh();
  const refused = await enterPassword(later, await later.follow(await later.open('/'), /sign in/i), who, former);
  assert.match(refused.title, /^Error/);
  await signInFromFront(fresh(), who);
});

it('a person who forgot the password gets in by a link from the operator, and it works once', async () => {
  const { who } = await someone(shared.server);
  const printed = await shared.server.command('user', 'password', 'reset', who.name);
  const link = printed.match(/http:\/\/\S+/)[0];
  who.password = passphrase();
  const robot = fresh();
  await robot.open(link);
  await robot.submit(await robot.open(link), 'new-password', [['new-password', who.password]]);
  await signInFromFront(fresh(), who);
  const again = await robot.open(link);
  const spent = again.form('new-password')
    ? await robot.submit(again, 'new-password', [['new-password', passphrase()]])
    : again;
  assert.ok(spent.status >= 400, spent.describe());
});

it('a person who lost everything is let in again by the operator', async () => {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  await shared.server.command('user', 'mfa', 'reset', who.name, '--yes');
  const later = fresh();
  const page = await later.follow(await later.open('/'), /sign in/i);
  expectSignedIn(await signIn(later, page, who));
});

it('a disabled person looks like one with a wrong password', async () => {
  const { who } = await someone(shared.server);
  await shared.server.command('user', 'disable', who.name);
  const robot = fresh();
  const page = await robot.follow(await robot.open('/'), /sign in/i);
  const disabled = await enterPassword(robot, page, who);
  const unknown = await enterPassword(robot, page, { ...person(), name: who.name.slice(1) });
  assert.equal(disabled.status, unknown.status);
  assert.equal(disabled.words, unknown.words);
  await shared.server.command('user', 'enable', who.name);
  await signInFromFront(fresh(), who);
});

it('sessions are listed and ended one by one and all together', async () => {
  const { who, robot } = await someone(shared.server);
  const [second, third] = [fresh(), fresh()];
  await signInFromFront(second, who);
  await signInFromFront(third, who);
  const account = await robot.follow(await robot.open('/'), /your account/i);
  let page = await robot.follow(account, /sessions/i);
  assert.equal(page.root.querySelectorAll('form[action$="/end"]').length, 2);
  page = await robot.submit(page, /end session/i, [], /end session/i);
  const alive = [];
  for (const one of [second, third]) alive.push(!(await one.open('/account')).form('current-password'));
  assert.deepEqual(alive.sort(), [false, true]);
  await robot.submit(page, /sign out everywhere|end all/i, [], /sign out everywhere|end all/i);
  for (const one of [robot, second, third]) {
    assert.ok((await one.open('/account')).form('current-password'), 'every session must be over');
  }
});

it('the link for the first administrator is printed, works once and consumes nothing on a look', async () => {
  const link = shared.server.printed().match(/http:\/\/localhost:\d+\/setup\?token=[^\s"]+/)?.[0];
  assert.ok(link, 'no link was printed at the first start');
  const robot = fresh();
  await robot.open(link);
  const who = person();
  const answers = [['username', who.name], ['new-password', who.password]];
  const done = await robot.submit(await robot.open(link), 'new-password', answers);
  assert.ok(done.status < 400, done.describe());
  await signInFromFront(fresh(), who);
  const second = await fresh().open(link);
  assert.ok(second.status >= 400 || !second.form('new-password'), second.describe());
});

it('password managers and well-known addresses find the way', async () => {
  const { robot } = await someone(shared.server);
  const page = await robot.open('/.well-known/change-password');
  assert.ok(page.form('new-password') || page.form('current-password'), page.describe());
  const url = new URL('/.well-known/resource-that-should-not-exist', shared.server.origin);
  assert.equal((await robot.send(url)).status, 404);
});

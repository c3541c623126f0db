// What a person does at the provider, step by step, as someone would who has never seen it before.
import assert from 'node:assert/strict';
import { Authenticator } from '../../../browser/lib/authenticator.mjs';

/** Fails with the page's words unless the page says this. */
export function expectWords(page, words) {
  assert.ok(page.says?.(words), `expected ${words} on\n${page.describe?.() ?? page.outside}`);
}

/** Fails unless the page is one of somebody who is signed in: each of those has a button to sign out. */
export function expectSignedIn(page) {
  assert.ok(page.form?.(/^sign out$/i), `expected to be signed in on\n${page.describe?.() ?? page.outside}`);
}

/** From the front page to a signed-in account. */
export async function register(robot, person) {
  const front = await robot.open('/');
  return fillRegistration(robot, await robot.follow(front, /create an account|sign up|register/i), person);
}

/** Fills in the registration form that `page` shows. */
export async function fillRegistration(robot, page, person) {
  return robot.submit(page, 'new-password', [
    ['username', person.name],
    ['email', person.email],
    ['new-password', person.password],
  ]);
}

/** Proves once more who is there, where the page asks for it. */
export async function reauthenticated(robot, page, person) {
  if (!page.form?.('current-password') || !/confirm it is you|sign in again/i.test(page.heading)) return page;
  const answers = [['current-password', person.password]];
  if (page.form('one-time-code')) answers.push(['one-time-code', await person.authenticator.next()]);
  return robot.submit(page, 'current-password', answers);
}

/** From anywhere to the page that lists the factors. */
export async function openFactors(robot) {
  const front = await robot.open('/');
  const account = await robot.follow(front, /your account|account/i);
  return robot.follow(account, /multi-factor|two-factor|two-step/i);
}

/** Enrols an authenticator app; afterwards `person` has `authenticator` and `codes`. */
export async function enrolTotp(robot, person) {
  let page = await openFactors(robot);
  page = await reauthenticated(robot, page, person);
  page = await robot.submit(page, /enable|add|set up|continue/i);
  page = await reauthenticated(robot, page, person);
  if (!page.form('one-time-code')) page = await robot.submit(page, /enable|add|set up|continue/i);
  person.authenticator = keyOf(page);
  page = await robot.submit(page, 'one-time-code', [['one-time-code', await person.authenticator.next()]]);
  person.codes = backupCodes(page);
  page = await robot.submit(page, /continue|done|finish/i, [[/saved/i, true]]);
  expectWords(page, /multi-factor authentication is on|authenticator/i);
  return page;
}

/** The key on an enrolment page: the link for an app on this device and the text to type must say the same. */
export function keyOf(page) {
  const link = page.root.querySelectorAll('a[href]').find((one) => one.getAttribute('href').startsWith('otpauth:'));
  assert.ok(link, `no otpauth link on\n${page.describe()}`);
  const authenticator = Authenticator.fromUri(link.getAttribute('href').replaceAll('&amp;', '&'));
  const typed = authenticator.secret.match(/.{1,4}/g).join('\\s*');
  assert.match(page.words, new RegExp(typed), 'the key to type is not on the page');
  return authenticator;
}

/** The ten codes on the page that shows them. */
export function backupCodes(page) {
  const lists = page.root.querySelectorAll('main ol, main ul').map((list) => list.querySelectorAll('li'));
  const list = lists.find((items) => items.length === 10);
  assert.ok(list, `expected a list of ten backup codes on\n${page.describe()}`);
  const codes = list.map((item) => item.textContent.trim());
  assert.equal(new Set(codes).size, 10, 'two backup codes are the same');
  return codes;
}

/** Fills in name and password on a sign-in page. */
export async function enterPassword(robot, page, person, password = person.password) {
  return robot.submit(page, 'current-password', [['username', person.name], ['current-password', password]]);
}

/** Goes on from a sign-in page, through whatever it asks for, to where the sign-in leads. */
export async function signIn(robot, page, person) {
  let next = await enterPassword(robot, page, person);
  if (next.form?.('one-time-code')) {
    next = await robot.submit(next, 'one-time-code', [['one-time-code', await person.authenticator.next()]]);
  }
  return next;
}

/** From the front page to a signed-in account. */
export async function signInFromFront(robot, person) {
  const front = await robot.open('/');
  const page = await robot.follow(front, /sign in|log in/i);
  const done = await signIn(robot, page, person);
  expectSignedIn(done);
  return done;
}

/** Allows what a third-party client asks for, where the page asks. */
export async function allow(robot, page) {
  return page.form?.(/^allow/i) ? robot.submit(page, /^allow/i, [], /^allow/i) : page;
}

/** Signs out by the button on the account page. */
export async function signOut(robot) {
  return robot.submit(await robot.open('/account'), /sign out/i, [], /sign out/i);
}

// What a person does on the pages, found by words and roles as a person finds them.
import assert from 'node:assert/strict';
import jsqr from 'jsqr';
import { PNG } from 'pngjs';
import { Authenticator } from './authenticator.mjs';

const link = (tab, name) => tab.getByRole('link', { name }).first().click();
const button = (tab, name) => tab.getByRole('button', { name }).first().click();

/** The first heading of the page. */
export const heading = (tab) => tab.getByRole('heading', { level: 1 }).first().innerText();

/** Waits for a page whose first heading says this. */
export async function expectHeading(tab, words) {
  await tab.getByRole('heading', { level: 1, name: words }).first().waitFor().catch(async (error) => {
    const seen = await tab.locator('body').innerText();
    throw new Error(`no heading ${words} on ${tab.url()}: ${await tab.title()}\n${seen.slice(0, 800)}`, { cause: error });
  });
}

/** Waits for these words on the page. */
export async function expectText(tab, words) {
  await tab.getByText(words).first().waitFor().catch(async (error) => {
    const seen = await tab.locator('body').innerText();
    throw new Error(`no text ${words} on ${tab.url()}: ${await tab.title()}\n${seen.slice(0, 800)}`, { cause: error });
  });
}

/** From the front page to a signed-in account. */
export async function register(tab, origin, person) {
  await tab.goto(origin);
  await link(tab, /create an account/i);
  await fillRegistration(tab, person);
  await expectHeading(tab, /your account/i);
}

/** Fills in and sends the registration form. */
export async function fillRegistration(tab, person) {
  await tab.getByLabel(/user name/i).fill(person.name);
  await tab.getByLabel(/e-mail/i).fill(person.email);
  await tab.getByLabel(/^password/i).fill(person.password);
  await button(tab, /create account/i);
}

/** Fills in and sends name and password. */
export async function enterPassword(tab, person, password = person.password) {
  await tab.getByLabel(/user name/i).fill(person.name);
  await tab.getByLabel(/^password/i).fill(password);
  await button(tab, /^sign in$/i);
}

/** Fills in and sends a one-time or backup code. */
export async function enterCode(tab, code) {
  await tab.getByRole('textbox', { name: /code/i }).fill(code);
  await button(tab, /verify|confirm/i);
}

/** From the front page to a signed-in account, with a code where the person has an authenticator app. */
export async function signIn(tab, origin, person) {
  await tab.goto(origin);
  await link(tab, /^sign in$/i);
  await enterPassword(tab, person);
  if (person.authenticator) {
    await expectHeading(tab, /verification code/i);
    await enterCode(tab, await person.authenticator.next());
  }
  await expectHeading(tab, /your account/i);
}

/** Signs out by the button that every page of a signed-in person has. */
export async function signOut(tab) {
  await button(tab, /^sign out$/i);
  await expectHeading(tab, /signed out/i);
}

/** Proves once more who is there, if the page asks for it. */
export async function proveAgain(tab, person) {
  if (!/confirm it is you/i.test(await heading(tab))) return;
  const password = tab.getByLabel(/^password/i);
  if (await password.count()) await password.fill(person.password);
  const code = tab.getByRole('textbox', { name: /verification code/i });
  if (await code.count()) await code.fill(await person.authenticator.next());
  await button(tab, /^confirm$/i);
}

/** From the account page to the page with the QR code. */
export async function beginEnrolment(tab, person) {
  await link(tab, /multi-factor authentication/i);
  await expectHeading(tab, /multi-factor authentication/i);
  await button(tab, /set up|enable/i);
  await proveAgain(tab, person);
  if (/multi-factor authentication/i.test(await heading(tab))) await button(tab, /set up|enable/i);
  await expectHeading(tab, /set up your authenticator/i);
}

/** Points the phone at the screen: decodes the QR code from a picture of the page. */
export async function scan(tab) {
  const { data, width, height } = PNG.sync.read(await tab.screenshot({ fullPage: true }));
  const found = jsqr(new Uint8ClampedArray(data), width, height, { inversionAttempts: 'dontInvert' });
  assert.ok(found, 'no QR code can be read from a picture of the page');
  return Authenticator.fromUri(found.data);
}

/** Enrols an authenticator app from the account page; the codes are shown at the end. */
export async function enrol(tab, person) {
  await beginEnrolment(tab, person);
  person.authenticator = await scan(tab);
  await enterCode(tab, await person.authenticator.next());
  person.codes = await readCodes(tab);
}

/** Has codes sent to the person's address, from the page with the factors; `code` reads the mail. */
export async function beginAddress(tab, person) {
  await tab.getByLabel(/e-mail address/i).fill(person.email);
  await button(tab, /send a code to this address/i);
  await expectHeading(tab, /confirm your e-mail/i);
}

/** From the page of second steps to the one that asks for the code sent to the person's phone. */
export async function beginPhone(tab, person) {
  await tab.getByLabel(/phone number/i).fill(person.number);
  await button(tab, /send a code to this number/i);
  await expectHeading(tab, /confirm your phone/i);
}

/** The ten codes that the page shows. */
export async function readCodes(tab) {
  await expectHeading(tab, /save your backup codes/i);
  const codes = await tab.locator('main ol li').allInnerTexts();
  assert.equal(new Set(codes.map((code) => code.trim())).size, 10, `ten backup codes, not ${codes.length}`);
  return codes.map((code) => code.trim());
}

/** Ticks that the codes are saved, and goes on. */
export async function confirmSaved(tab) {
  await tab.getByLabel(/saved/i).check();
  await button(tab, /continue/i);
}

export { button, link };

// People for the tests: each has a name that nobody else has and a password that no list knows.
import { randomBytes, randomInt } from 'node:crypto';

const SYLLABLES = ['ba', 'de', 'fi', 'go', 'hu', 'ka', 'le', 'mi', 'no', 'pu', 'ra', 'se', 'ti', 'vo', 'wu', 'za'];

const word = (length) => Array.from({ length }, () => SYLLABLES[randomInt(SYLLABLES.length)]).join('');

/** A password that stands alone: longer than 15 characters. */
export const passphrase = () => `${word(3)}-${word(3)}-${randomBytes(4).toString('hex')}`;

/** A person without an account. */
export function person() {
  const name = `${word(3)}${randomBytes(3).toString('hex')}`;
  const number = `+49151${String(randomInt(1e8)).padStart(8, '0')}`;
  return { name, email: `${name}@mail.example`, number, password: passphrase() };
}

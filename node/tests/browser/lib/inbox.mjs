// Messages that a development server would have sent, as its inbox shows it. Of several nodes each shows its own, and each
// request may go to another one, so the inbox is opened until the message is there.

const ARRIVES_WITHIN_MS = 20_000;
const POLL_MS = 50;

/** The code in a message to a person that was not taken before. */
export const mailedCode = (origin, person) => mailed(origin, person.email, person, /^(\d{6})$/m);

/** The code in a text message to a person that was not taken before, as a browser finds it. */
export const textedCode = (origin, person) => mailed(origin, person.number, person, /^@localhost #(\d{6})(?=<\/pre>)/m);

/** The path of the link in a message to a person that was not taken before; `to` is how it begins. */
export const mailedLink = (origin, person, to = '/reset') =>
  mailed(origin, person.email, person, new RegExp(`^http://[^/\\s]+(${to}\\?token=[^\\s<]+)`, 'm'));

/** The path of the link that cancels a recovery, in a message to a person that was not taken before. */
export const cancelLink = (origin, person) => mailed(origin, person.email, person, /^http:\S+(\/recovery\/cancel\?token=\S+)$/m);

async function mailed(origin, address, person, wanted) {
  person.taken ??= new Set();
  const deadline = Date.now() + ARRIVES_WITHIN_MS;
  while (Date.now() < deadline) {
    const page = (await (await fetch(`${origin}/dev/inbox`)).text()).replaceAll('&#x2f;', '/');
    const letters = page.split('<section class="card">').filter((letter) => letter.includes(address));
    for (const letter of letters) {
      const found = letter.match(wanted)?.[1];
      if (found && !person.taken.has(found)) {
        person.taken.add(found);
        return found;
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
  throw new Error(`no message to ${address} within ${ARRIVES_WITHIN_MS} ms`);
}

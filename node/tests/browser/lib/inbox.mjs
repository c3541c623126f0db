// Mail that a development server would have sent, as its inbox shows it. Of several nodes each shows its own, and each
// request may go to another one, so the inbox is opened until the message is there.

const ARRIVES_WITHIN_MS = 20_000;
const POLL_MS = 50;

/** The code in the newest message to a person that was not taken before. */
export async function mailedCode(origin, person) {
  person.taken ??= new Set();
  const deadline = Date.now() + ARRIVES_WITHIN_MS;
  while (Date.now() < deadline) {
    const page = await (await fetch(`${origin}/dev/inbox`)).text();
    const letters = page.split('<section class="card">').filter((letter) => letter.includes(person.email));
    for (const letter of letters) {
      const code = letter.match(/^(\d{6})$/m)?.[1];
      if (code && !person.taken.has(code)) {
        person.taken.add(code);
        return code;
      }
    }
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS); });
  }
  throw new Error(`no mail to ${person.email} within ${ARRIVES_WITHIN_MS} ms`);
}

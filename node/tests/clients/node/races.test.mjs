// One-time things presented many times at once to the running server: each is accepted exactly once, and what a second use
// must end is ended.
import assert from 'node:assert/strict';
import * as client from 'openid-client';
import { enrolTotp, enterPassword } from './lib/journeys.mjs';
import { RelyingParty, refused } from './lib/relying_party.mjs';
import { Robot } from './lib/robot.mjs';
import { someone, suite } from './lib/suite.mjs';

const TIMES = 64;
/** Fewer than the logins that an account keeps at a time, so that none is dropped before its turn. */
const LOGINS = 16;

const shared = suite('races', async (all) => {
  all.rp = await RelyingParty.create(all.server);
});
const { it } = shared;

const together = (count, each) => Promise.all(Array.from({ length: count }, (_, index) => each(index)));

/** Sorts answers of the token endpoint: the tokens given, and how often each error was. */
function sorted(answers) {
  const errors = {};
  for (const { status, body } of answers) {
    if (status !== 200) errors[`${status} ${body.error}`] = (errors[`${status} ${body.error}`] ?? 0) + 1;
  }
  return { given: answers.filter(({ status }) => status === 200).map(({ body }) => body), errors };
}

it(`one code redeemed ${TIMES} times at once gives tokens once, and they end`, async () => {
  const { who, robot } = await someone(shared.server);
  const attempt = await shared.rp.begin();
  const callback = await shared.rp.visit(robot, who, attempt);
  const parameters = {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code'),
    redirect_uri: shared.rp.redirectUri,
    code_verifier: attempt.verifier,
  };
  const { given, errors } = sorted(await together(TIMES, () => shared.rp.token(parameters)));
  assert.equal(given.length, 1, JSON.stringify(errors));
  assert.deepEqual(errors, { '400 invalid_grant': TIMES - 1 });
  await refused(client.refreshTokenGrant(shared.rp.configuration, given[0].refresh_token), 'invalid_grant');
  assert.equal(await shared.rp.userInfoStatus(given[0].access_token), 401);
});

it(`one refresh token used ${TIMES} times at once has one successor, and the family ends`, async () => {
  const { who, robot } = await someone(shared.server);
  const tokens = await shared.rp.signIn(robot, who);
  const parameters = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token };
  const { given, errors } = sorted(await together(TIMES, () => shared.rp.token(parameters)));
  assert.equal(given.length, 1, JSON.stringify(errors));
  assert.deepEqual(errors, { '400 invalid_grant': TIMES - 1 });
  await refused(client.refreshTokenGrant(shared.rp.configuration, given[0].refresh_token), 'invalid_grant');
  assert.equal(await shared.rp.userInfoStatus(given[0].access_token), 401);
});

/** Somebody who is enrolled, and browsers in which the password was accepted and the code is asked for. */
async function atTheCode(logins) {
  const { who, robot } = await someone(shared.server);
  await enrolTotp(robot, who);
  const waiting = await together(logins, async () => {
    const browser = new Robot(shared.server.origin);
    const page = await enterPassword(browser, await browser.open('/login'), who);
    assert.ok(page.form('one-time-code'), page.describe());
    return { browser, page };
  });
  return { who, waiting };
}

/** Presents a code `count` times at once, in turn by each browser; resolves to the pages that came of it. */
const present = (waiting, count, codeOf) => together(count, (index) => {
  const { browser, page } = waiting[index % waiting.length];
  return browser.copy().submit(page, 'one-time-code', [['one-time-code', codeOf(index)]]);
});

const signedIn = (pages) => pages.filter((page) => page.status === 200 && page.form(/^sign out$/i)).length;

it(`one code of an authenticator app presented ${TIMES} times at once signs in once`, async () => {
  const { who, waiting } = await atTheCode(LOGINS);
  const code = await who.authenticator.next();
  assert.equal(signedIn(await present(waiting, TIMES, () => code)), 1);
});

it(`one backup code presented ${TIMES} times at once signs in once`, async () => {
  const { who, waiting } = await atTheCode(LOGINS);
  const asked = await together(LOGINS, async (index) => {
    const { browser, page } = waiting[index];
    return { browser, page: await browser.follow(page, /backup code/i) };
  });
  assert.equal(signedIn(await present(asked, TIMES, () => who.codes[3])), 1);
});

it('of 200 wrong codes at once no more are judged than the throttle allows', async () => {
  const { who, waiting } = await atTheCode(1);
  const right = await who.authenticator.next();
  const wrong = (index) => String((Number(right) + 1 + index * 4_999) % 1_000_000).padStart(6, '0');
  const pages = await present(waiting, 200, wrong);
  assert.equal(signedIn(pages), 0);
  const judged = pages.filter((page) => page.status !== 429 && page.status !== 503);
  assert.ok(judged.length <= 5, `${judged.length} were judged`);
  assert.ok(pages.some((page) => page.status === 429), 'the others must be told to wait');
  const late = await present(waiting, 1, () => right);
  assert.equal(signedIn(late), 0, 'the right code is not judged during the cool-down');
});

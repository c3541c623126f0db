// A person's authenticator app: the codes come from `oathtool`, an implementation that is not ours.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const STEP_MS = 30_000;
const SAFE_MS = 8_000;
const run = promisify(execFile);

/** One key in an authenticator app. The server takes each code once, so `next` never gives a code twice. */
export class Authenticator {
  #last = -1;

  /** `secret` is Base32 as in `otpauth://` or as typed from the page, in groups of four. */
  constructor(secret) {
    this.secret = secret.replaceAll(/\s/g, '');
  }

  /** The key of an `otpauth://` URI, which must be one that every authenticator app understands. */
  static fromUri(uri) {
    const url = new URL(uri);
    if (url.protocol !== 'otpauth:' || url.host !== 'totp') throw new Error(`${url.protocol}//${url.host} is no TOTP key`);
    const { algorithm = 'SHA1', digits = '6', period = '30' } = Object.fromEntries(url.searchParams);
    if (`${algorithm}/${digits}/${period}` !== 'SHA1/6/30') throw new Error(`unusual key: ${algorithm}/${digits}/${period}`);
    return new Authenticator(url.searchParams.get('secret'));
  }

  /**
   * The earliest code that was not given before and that a server with a window of one step accepts for some seconds to
   * come. When the window is used up, this waits for the clock, as a person would.
   */
  async next() {
    for (;;) {
      const now = Date.now();
      const current = Math.floor(now / STEP_MS);
      const left = STEP_MS - (now % STEP_MS);
      const earliest = left > SAFE_MS ? current - 1 : current;
      const step = Math.max(this.#last + 1, earliest);
      if (step <= current + 1) {
        this.#last = step;
        return this.codeOf(step);
      }
      await new Promise((resolve) => { setTimeout(resolve, left + 1); });
    }
  }

  /** The code of a step, counted from 1970 in 30 seconds. */
  async codeOf(step) {
    const time = `@${step * (STEP_MS / 1000)}`;
    const { stdout } = await run('oathtool', ['--totp', '--base32', '--digits=6', `--now=${time}`, this.secret]);
    return stdout.trim();
  }

  /** A code of six digits that is not accepted now. */
  async wrong() {
    const current = Math.floor(Date.now() / STEP_MS);
    const right = await Promise.all([-2, -1, 0, 1, 2].map((offset) => this.codeOf(current + offset)));
    return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code));
  }
}

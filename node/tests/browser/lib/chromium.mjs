// A person's browser: Debian's Chromium without a window. It notes everything that a page must not do: requests that leave
// the known origins, reports of the content security policy, errors on the console, scripts that throw.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const QUIET = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', '--force-color-profile=srgb',
];
const PATIENCE_MS = 20_000;

/** A fresh browser with an empty profile. */
export const launch = () => chromium.launch({ executablePath: EXECUTABLE, args: QUIET });

/** One person's profile in the browser, with as many tabs as needed. */
export class Visitor {
  #problems = [];

  constructor(context, origins) {
    this.context = context;
    this.origins = origins;
  }

  /**
   * `origins` may be talked to, nothing else. JavaScript is off unless asked for, since every page must work without it.
   */
  static async arrive(browser, origins, options = {}) {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: 'en', ...options });
    context.setDefaultTimeout(PATIENCE_MS);
    const visitor = new Visitor(context, origins);
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (event) => {
        console.error(`content security policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
      });
    });
    context.on('request', (request) => visitor.#asked(request.url()));
    context.on('weberror', (error) => visitor.#problems.push(`script: ${error.error().message}`));
    context.on('console', (message) => visitor.#said(message));
    context.on('response', (response) => visitor.#answered(response));
    return visitor;
  }

  tab() {
    return this.context.newPage();
  }

  #asked(url) {
    const local = url.startsWith('data:') || url.startsWith('blob:');
    if (!local && !this.origins.includes(new URL(url).origin)) this.#problems.push(`request to ${url}`);
  }

  #answered(response) {
    if (response.status() >= 500) this.#problems.push(`${response.status()} from ${response.url()}`);
  }

  #said(message) {
    if (!['error', 'warning'].includes(message.type())) return;
    // Chromium notes every document with a refusing status; whether that status is right is each test's own matter.
    const refusal = /^Failed to load resource: the server responded with a status of 4\d\d/.test(message.text());
    if (refusal && !message.location().url.includes('/assets/')) return;
    this.#problems.push(`console: ${message.text()} (${message.location().url})`);
  }

  /** Ends the visit; whatever went wrong on the way fails the test. */
  async leave() {
    await this.context.close();
    assert.deepEqual(this.#problems, [], 'pages did what they must not do');
  }
}

/** Runs `body` with a visitor and a tab, and checks what the pages did. */
export async function visit(browser, origins, body, options = {}) {
  const visitor = await Visitor.arrive(browser, origins, options);
  try {
    await body(await visitor.tab(), visitor);
  } catch (error) {
    await visitor.context.close();
    throw error;
  }
  await visitor.leave();
}

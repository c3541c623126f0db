// A browser without JavaScript that knows no path and no field name of the product: it finds links and buttons by their
// words, and fields by their `autocomplete` token or their label.
import assert from 'node:assert/strict';
import http from 'node:http';
import { parse } from 'node-html-parser';

const MAX_REDIRECTS = 10;
const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) Robot/1.0 (no scripts)';

const text = (element) => element.textContent.replaceAll(/\s+/g, ' ').trim();
const matches = (element, words) => words.test(text(element)) || words.test(element.getAttribute('aria-label') ?? '');

/** Cookies of one browser at one origin (RFC 6265, as far as a single host needs it). */
class Jar {
  #cookies = new Map();

  store(lines = []) {
    for (const line of lines) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const split = pair.indexOf('=');
      const name = pair.slice(0, split);
      const named = Object.fromEntries(attributes.map((attribute) => {
        const [key, ...rest] = attribute.split('=');
        return [key.toLowerCase(), rest.join('=')];
      }));
      const dead = named['max-age'] !== undefined ? Number(named['max-age']) <= 0 : Date.parse(named.expires) <= Date.now();
      if (dead) this.#cookies.delete(name);
      else this.#cookies.set(name, { value: pair.slice(split + 1), path: named.path ?? '/', attributes: named });
    }
  }

  header(path) {
    const sent = [...this.#cookies].filter(([, cookie]) => path.startsWith(cookie.path));
    return sent.map(([name, cookie]) => `${name}=${cookie.value}`).join('; ');
  }

  entries() {
    return [...this.#cookies].map(([name, cookie]) => ({ name, ...cookie }));
  }

  copy() {
    const copy = new Jar();
    copy.#cookies = new Map(this.#cookies);
    return copy;
  }
}

/** What a request ended with: a page of the origin, or an address elsewhere that a redirect named. */
export class Page {
  constructor(url, answer) {
    this.url = url;
    this.status = answer.status;
    this.headers = answer.headers;
    this.body = answer.body;
    this.root = parse(answer.body);
  }

  get title() {
    return text(this.root.querySelector('title') ?? this.root);
  }

  get heading() {
    return text(this.root.querySelector('h1') ?? this.root);
  }

  get words() {
    return text(this.root.querySelector('main') ?? this.root.querySelector('body') ?? this.root);
  }

  says(words) {
    return words.test(this.words) || words.test(this.title);
  }

  /** The target of the first link with these words. */
  link(words) {
    const found = this.root.querySelectorAll('a[href]').find((element) => matches(element, words));
    return found && new URL(found.getAttribute('href'), this.url);
  }

  /** The first form that a test accepts: an `autocomplete` token that one of its fields has, or words of a button. */
  form(wanted) {
    return this.root.querySelectorAll('form').find((form) => {
      if (typeof wanted === 'string') return Boolean(field(form, wanted));
      return buttons(form).some((button) => matches(button, wanted));
    });
  }

  describe() {
    return `${this.status} ${this.url}\n  title: ${this.title}\n  text: ${this.words.slice(0, 700)}`;
  }
}

const buttons = (form) => form.querySelectorAll('button').filter((one) => (one.getAttribute('type') ?? 'submit') === 'submit');

/** A field of a form by its `autocomplete` token, or by words of its label. */
function field(form, wanted) {
  const fields = form.querySelectorAll('input, textarea, select').filter((one) => one.getAttribute('type') !== 'hidden');
  if (typeof wanted === 'string') {
    return fields.find((one) => (one.getAttribute('autocomplete') ?? '').split(/\s+/).includes(wanted));
  }
  return fields.find((one) => labels(form, one).some((label) => matches(label, wanted)));
}

function labels(form, input) {
  const id = input.getAttribute('id');
  return form.querySelectorAll('label').filter((label) => {
    return (id && label.getAttribute('for') === id) || label.querySelectorAll('input, textarea, select').includes(input);
  });
}

/** The pairs that a browser would send for a form as it stands. */
function standing(form) {
  return form.querySelectorAll('input, textarea').flatMap((one) => {
    const name = one.getAttribute('name');
    const type = one.getAttribute('type') ?? 'text';
    const idle = ['checkbox', 'radio'].includes(type) && one.getAttribute('checked') === undefined;
    if (!name || idle || type === 'submit' || one.getAttribute('disabled') !== undefined) return [];
    return [[name, one.getAttribute('value') ?? (type === 'checkbox' ? 'on' : '')]];
  });
}

/** A person's browser. */
export class Robot {
  constructor(origin, jar = new Jar()) {
    this.origin = origin;
    this.jar = jar;
  }

  /** A second browser with the same cookies, as if they had been copied. */
  copy() {
    return new Robot(this.origin, this.jar.copy());
  }

  /** Opens an address and follows redirects; one that leaves the origin ends with `{ outside: URL }`. */
  async open(target, method = 'GET', body) {
    let url = new URL(target, this.origin);
    let request = { method, body };
    for (let hop = 0; hop < MAX_REDIRECTS; hop += 1) {
      if (url.origin !== this.origin) return { outside: url };
      const answer = await this.send(url, request);
      if (![301, 302, 303, 307, 308].includes(answer.status)) return new Page(url, answer);
      const keeps = answer.status === 307 || answer.status === 308;
      if (!keeps) request = { method: 'GET' };
      url = new URL(answer.headers.location, url);
    }
    throw new Error(`more than ${MAX_REDIRECTS} redirects, the last to ${url}`);
  }

  /** One request with this browser's cookies, no redirect followed. */
  send(url, { method = 'GET', body, headers = {} } = {}) {
    const cookie = this.jar.header(url.pathname);
    const all = { accept: 'text/html', 'accept-language': 'en', 'user-agent': AGENT, ...(cookie && { cookie }), ...headers };
    if (method === 'POST') {
      all.origin ??= this.origin;
      all['content-type'] ??= 'application/x-www-form-urlencoded';
      all['content-length'] = Buffer.byteLength(body ?? '');
    }
    return new Promise((resolve, reject) => {
      const request = http.request(url, { method, headers: all, timeout: 30_000 }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.once('error', reject);
        response.once('end', () => {
          this.jar.store(response.headers['set-cookie']);
          resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString('utf8') });
        });
      });
      request.once('error', reject);
      request.once('timeout', () => request.destroy(new Error(`no answer from ${url}`)));
      request.end(body);
    });
  }

  /** Follows the link with these words. */
  async follow(page, words) {
    const target = page.link(words);
    assert.ok(target, `no link with ${words} on\n${page.describe()}`);
    return this.open(target);
  }

  /** The request that sending a form makes, for tests that send it twice or at the same time. */
  fill(page, wanted, answers = [], button) {
    const form = page.form(wanted);
    assert.ok(form, `no form for ${wanted} on\n${page.describe()}`);
    const pairs = new Map(standing(form));
    for (const [key, answer] of answers) {
      const input = field(form, key);
      assert.ok(input, `no field for ${key} in the form for ${wanted} on\n${page.describe()}`);
      pairs.set(input.getAttribute('name'), answer === true ? (input.getAttribute('value') ?? 'on') : answer);
    }
    const pressed = buttons(form).find((one) => !button || matches(one, button));
    if (pressed?.getAttribute('name')) pairs.set(pressed.getAttribute('name'), pressed.getAttribute('value') ?? '');
    const url = new URL(form.getAttribute('action') ?? '', page.url);
    const method = (form.getAttribute('method') ?? 'get').toUpperCase();
    const body = new URLSearchParams([...pairs]).toString();
    if (method === 'GET') url.search = body;
    return { url, method, body: method === 'POST' ? body : undefined };
  }

  /** Fills a form in and sends it; `answers` are pairs of `autocomplete` token or label words, and value. */
  async submit(page, wanted, answers = [], button) {
    const { url, method, body } = this.fill(page, wanted, answers, button);
    return this.open(url, method, body);
  }
}

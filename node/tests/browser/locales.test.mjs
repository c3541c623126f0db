// Pages in the languages that browsers ask for: found by their words, nothing wider than a narrow phone, and pictures of them in
// `target/screenshots`.
import assert from 'node:assert/strict';
import { look } from './lib/looks.mjs';
import { person } from './lib/people.mjs';
import { expectHeading, expectText } from './lib/steps.mjs';
import { suite } from './lib/suite.mjs';

const shared = suite('browser-locales');
const { it } = shared;
const at = (path) => `${shared.server.origin}${path}`;
const submit = (tab) => tab.locator('main form button[type=submit].primary').first().click();

const LANGUAGES = [
  {
    locale: 'de-AT',
    tag: 'de',
    create: 'Konto erstellen',
    weak: /Dieses Passwort ist leicht zu erraten/,
    account: 'Ihr Konto',
    mfa: 'Zwei-Faktor-Anmeldung',
    qr: 'QR-Code für Ihre Authenticator-App',
    copied: 'Kopiert.',
    nowhere: 'Seite nicht gefunden',
    title: /^Fehler: /,
  },
  {
    locale: 'zh-CN',
    tag: 'zh-Hans',
    create: '创建账户',
    weak: /此密码容易被猜到/,
    account: '您的账户',
    mfa: '多重身份验证',
    qr: '用于身份验证器应用的二维码',
    copied: '已复制。',
    nowhere: '找不到页面',
    title: /^错误：/,
  },
];

for (const words of LANGUAGES) {
  const visit = (body) => shared.visit(body, {
    javaScriptEnabled: true, locale: words.locale, permissions: ['clipboard-read', 'clipboard-write'],
  });
  const pictured = (tab, name) => look(tab, `${words.tag}-${name}`);

  it(`a visitor who reads ${words.tag} gets to an account and an authenticator app`, () => visit(async (tab) => {
    const who = person();
    await tab.goto(at('/'));
    assert.equal(await tab.locator('html').getAttribute('lang'), words.tag);
    await pictured(tab, 'front');
    await tab.getByRole('link', { name: words.create }).click();
    await tab.locator('#user_name').fill(who.name);
    await tab.locator('#password').fill('passwordpassword');
    await submit(tab);
    await expectText(tab, words.weak);
    assert.match(await tab.title(), words.title);
    await pictured(tab, 'register-error');
    await tab.locator('#password').fill(who.password);
    await submit(tab);
    await expectHeading(tab, words.account);
    await pictured(tab, 'account');
    await tab.goto(at('/account/mfa'));
    await expectHeading(tab, words.mfa);
    await pictured(tab, 'mfa');
    await submit(tab);
    await tab.getByRole('img', { name: words.qr }).waitFor();
    await tab.locator('details:not(.help) summary').click();
    await tab.locator('[data-copies]').click();
    await expectText(tab, words.copied);
    await pictured(tab, 'totp-enrol');
    await tab.goto(at('/account/sessions'));
    await pictured(tab, 'sessions');
    await tab.goto(at('/account/password'));
    await pictured(tab, 'password');
  }));

  it(`a visitor who reads ${words.tag} is told so of what is not there`, () => visit(async (tab) => {
    await tab.goto(at('/nowhere'));
    await expectHeading(tab, words.nowhere);
    await pictured(tab, 'not-found');
    await tab.goto(at('/login'));
    await pictured(tab, 'login');
    await tab.goto(at('/forgot'));
    await pictured(tab, 'forgot');
  }));
}

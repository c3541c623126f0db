// One server and one browser for a test file.
import { after, before, test } from 'node:test';
import { launch, visit } from './chromium.mjs';
import { startServer, witnessed } from './server.mjs';

/** Starts both before the tests of a file; `prepare` may add to what they share. */
export function suite(name, prepare = () => {}, settings = {}) {
  const shared = { closing: [] };
  before(async () => {
    shared.server = await startServer(name, settings);
    shared.closing.push(() => shared.server.stop());
    shared.browser = await launch();
    shared.closing.unshift(() => shared.browser.close());
    await prepare(shared);
  });
  after(async () => {
    for (const close of shared.closing) await close();
  });
  shared.it = witnessed(test, () => shared.server);
  shared.visit = (body, options) => {
    const others = shared.application ? [shared.application.origin] : [];
    return visit(shared.browser, [shared.server.origin, ...others], body, options);
  };
  return shared;
}

// Looks at a page in every form that people see it: light and dark, on a desk and on a narrow phone. Each is judged by
// axe-core and photographed. That is done on one node alone: a page looks the same whoever serves it.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import axe from 'axe-core';
import { CLUSTER, TARGET } from './server.mjs';

const SCHEMES = ['light', 'dark'];
const WIDTHS = [1280, 320];
const FOLDER = path.join(TARGET, 'screenshots');
const GRAVE = ['serious', 'critical'];
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Judges the page that the tab shows; pictures are named after `name`. Leaves the tab at its first form. */
export async function look(tab, name) {
  if (CLUSTER) return;
  await mkdir(FOLDER, { recursive: true });
  const faults = [];
  await tab.evaluate(axe.source);
  for (const width of WIDTHS) {
    await tab.setViewportSize({ width, height: width === 320 ? 640 : 800 });
    for (const scheme of SCHEMES) {
      await tab.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await tab.screenshot({ path: path.join(FOLDER, `${name}-${scheme}-${width}.png`), fullPage: true });
      faults.push(...(await judge(tab)).map((fault) => `${name} ${scheme} ${width}: ${fault}`));
    }
  }
  await tab.setViewportSize({ width: WIDTHS[0], height: 800 });
  await tab.emulateMedia({ colorScheme: SCHEMES[0] });
  assert.deepEqual(faults, [], `faults on ${tab.url()}`);
}

async function judge(tab) {
  const { violations } = await tab.evaluate((tags) => window.axe.run(document, { runOnly: tags }), TAGS);
  const grave = violations.filter((violation) => GRAVE.includes(violation.impact));
  const said = grave.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html} ${node.failureSummary}`));
  return [...said, ...(await tab.evaluate(measure))];
}

/** Runs in the page: what does not fit, what is too small to hit, what is missing. */
function measure() {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > root.clientWidth);
    faults.push(`scrolls sideways, ${root.scrollWidth} > ${root.clientWidth}: ${wide.at(-1)?.outerHTML.slice(0, 120)}`);
  }
  for (const target of document.querySelectorAll('button, input:not([type=hidden]), a.button, summary')) {
    const { width, height } = target.getBoundingClientRect();
    const hidden = width === 0 || target.tabIndex === -1;
    if (!hidden && target.type !== 'checkbox' && (width < 24 || height < 24)) {
      faults.push(`target below 24 px: ${target.outerHTML.slice(0, 120)}`);
    }
  }
  if (!root.lang) faults.push('no language');
  if (!root.dir) faults.push('no writing direction');
  if (document.querySelectorAll('h1').length !== 1) faults.push('not exactly one first heading');
  return faults;
}

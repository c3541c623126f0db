#!/usr/bin/env node
// .ci/test-program CRATE NAME: where cargo put the integration tests CRATE/tests/NAME, as target/test-programs.json tells,
// which holds what `cargo test --no-run --message-format json` wrote.
import { readFileSync } from 'node:fs';

const [crate, name] = process.argv.slice(2);
const programs = readFileSync('target/test-programs.json', 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('{'))
  .map((line) => JSON.parse(line))
  .filter(({ reason, target }) => reason === 'compiler-artifact' && target.kind.includes('test') && target.name === name)
  .filter(({ manifest_path: manifest, executable }) => executable && manifest.endsWith(`/${crate}/Cargo.toml`));
if (programs.length !== 1) {
  console.error(`${programs.length} test programs are called ${name} in ${crate}`);
  process.exit(1);
}
console.log(programs[0].executable);

/** `npm run conformance -- PROTOCOL` runs what every protocol must pass, against one protocol of the registry. The exit code is 0 if all of it passed. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { protocols } from '../gateway/src/protocols/registry.ts';

const root = join(import.meta.dirname, '..');
/** In this order: requests that are held, limited, masked and replayed; requests that are denied, withdrawn and halted, and secrets; each control at each entry; bytes on the wire. */
const files = ['tests/contract.test.ts', 'tests/long/contract-promises.test.ts', 'tests/long/every-entry.test.ts', 'tests/long/wire.test.ts'];

const [asked, ...more] = process.argv.slice(2);
const names = protocols.map(({ id }) => id);
if (asked === undefined || more.length > 0 || !names.includes(asked)) {
  console.error(`Name one protocol of gateway/src/protocols/registry.ts: ${names.join(', ')}. docs/adding-a-protocol.md says what a new one must bring.`);
  process.exit(2);
}
const { status } = spawnSync(process.execPath, ['--no-warnings', '--test', '--test-reporter=spec', ...files.map((file) => join(root, file))], {
  cwd: root,
  env: { ...process.env, COUNTERSIGN_TEST_PROTOCOL: asked },
  stdio: 'inherit',
});
process.exit(status ?? 1);

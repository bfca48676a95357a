import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { builtInClasses } from '../../gateway/src/classes/catalogue.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { notAllowedHere } from '../support/require-program.ts';

const program = 'pii-leak-benchmark-v2';
const seed = 'a1b2c3d4e5f60001';

/** Where there is the benchmark, a package of Python. */
function requireBenchmark(): { readonly skip?: string } {
  return spawnSync(program, ['--help']).status === 0 ? {} : notAllowedHere(`${program} is not in the PATH: pip install pii-leak-benchmark==0.6.0`);
}

test('a benchmark of others, which cuts each value of an answer at each place, finds no leak', requireBenchmark(), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-leak-'));
  t.after(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const names = builtInClasses.map(({ name }) => name);
  const where = (target: string): string =>
    `permit (principal, action in Action::"llm", resource == Target::"${target}") when { action != Action::"llm.connect" };\n`;
  const pseudonyms = `@mask_request("${names.map((name) => `${name}:pseudonym`).join(', ')}")`;
  writeFileSync(join(directory, 'masks.cedar'), `@mask("${names.join(', ')}")\n${pseudonyms}\n${where('masked')}\n${pseudonyms}\n${where('restored')}`);
  const port = await freePort();
  await using gateway = await GatewayProcess.start({
    config: `targets:
  masked: { protocol: llm, url: "http://127.0.0.1:${port}" }
  restored: { protocol: llm, url: "http://127.0.0.1:${port}" }
policies: ${directory}
principals:
  agent: { kind: agent, targets: [masked, restored] }
`,
  });
  const token = await gateway.issueToken('agent');
  const run = async (target: string, ...options: readonly string[]): Promise<Readonly<Record<string, unknown>>> => {
    const summary = join(directory, `${target}.json`);
    const url = `http://127.0.0.1:${gateway.port('http')}/t/${target}/v1/chat/completions`;
    const given = [
      '--only',
      target,
      '--gateway-url',
      url,
      '--upstream-port',
      String(port),
      '--seed',
      seed,
      '--out',
      directory,
      '--json-out',
      summary,
      ...options,
    ];
    await promisify(execFile)(program, given, { env: { ...process.env, CONFORMANCE_TARGET_API_KEY: token } });
    return JSON.parse(readFileSync(summary, 'utf8')).rows[0];
  };
  const masked = await run('masked', '--exhaustive-splits', '--partial-emission');
  assert.equal(masked['cases_applicable'], 32);
  assert.equal(masked['inconclusive'], 0);
  assert.deepEqual([masked['leak_single_chunk'], masked['leak_adversarial'], masked['request_path_leak']], [0, 0, []]);
  const emission = JSON.parse(readFileSync(join(directory, 'masked.partial-emission.json'), 'utf8'));
  assert.equal(emission.metrics.cases_partial_emission, 0);
  const restored = await run('restored');
  assert.deepEqual([restored['cases_applicable'], restored['fidelity_rate'], restored['request_path_leak']], [32, 1, []]);
});

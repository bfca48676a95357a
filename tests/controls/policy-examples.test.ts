import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { protocols, readConfig } from '../../gateway/src/surface/config.ts';
import { checkPolicies, configuredPolicy, testPolicy } from '../../gateway/src/surface/policy.ts';
import { actionNames } from '../../gateway/src/policy/vocabulary.ts';
import { policyFactsDocument } from '../../tools/policy-facts.ts';

const root = join(import.meta.dirname, '..', '..');
const directory = join(root, 'examples', 'policies');
const config = readConfig(join(directory, 'countersign.yaml'), protocols, {}, 'missing');
const files = readdirSync(directory).filter((name) => name.endsWith('.cedar'));

describe('the examples of policies', () => {
  test('are seventeen', () => {
    assert.equal(files.length, 17);
  });

  for (const file of files) {
    test(`${file} is valid, decides its cases as they say, and is the reason for that`, async () => {
      const path = join(directory, file);
      const { problems, warnings, policies, conflicts } = checkPolicies(config, path);
      assert.deepEqual([problems, warnings, conflicts], [[], [], []]);
      assert.ok(policies > 0);
      const cases = path.replace(/cedar$/, 'yaml');
      const outcomes = await testPolicy(cases, config, configuredPolicy(config, path));
      assert.deepEqual(
        outcomes.flatMap(({ name, difference }) => (difference === null ? [] : `${name}: ${difference}`)),
        [],
      );
      const without = await testPolicy(cases, config, configuredPolicy({ ...config, policies: null }));
      assert.ok(without.some(({ difference }) => difference !== null));
    });
  }

  test('are each in docs/policy.md, which shows no policy that is not one of them', () => {
    const document = readFileSync(join(root, 'docs', 'policy.md'), 'utf8');
    for (const file of files) {
      assert.ok(document.includes(`(../examples/policies/${file})`), file);
    }
    const texts = files.map((file) => readFileSync(join(directory, file), 'utf8')).join('\n');
    const shown = [...document.matchAll(/^( *)```cedar\n([^]*?)```/gm)].map(([, indent = '', text = '']) => text.replaceAll(`\n${indent}`, '\n').trim());
    assert.ok(shown.length > 0);
    assert.deepEqual(
      shown.filter((text) => !texts.includes(text)),
      [],
    );
  });

  test('policy check compares with the built-in policies, unless a file takes their place', () => {
    const own = mkdtempSync(join(tmpdir(), 'countersign-own-'));
    try {
      const changed = 'permit (principal in Group::"agents", action == Action::"mcp.call_tool", resource == Target::"mail") when { context.toolChanged };';
      writeFileSync(join(own, 'own.cedar'), changed);
      const [found = '', ...more] = checkPolicies(config, own).conflicts;
      assert.match(found, /own\.cedar:1:1: this permit never allows anything, because built-in\.cedar:tool-changed forbids all of it/);
      assert.deepEqual([more, checkPolicies(config, own).policies], [[], 1]);
      writeFileSync(join(own, 'built-in.cedar'), '');
      assert.deepEqual(checkPolicies(config, own).conflicts, []);
    } finally {
      rmSync(own, { recursive: true });
    }
  });

  test('a case with a text for an action that has none is not as expected', async () => {
    const directoryOfCases = mkdtempSync(join(tmpdir(), 'countersign-cases-'));
    const cases = join(directoryOfCases, 'cases.yaml');
    const texts: Readonly<Record<string, string>> = { postgres: 'SELECT 1', http: 'GET /x', llm: 'GET /v1/models', mcp: 'ping' };
    const asked = [...config.targets.values()].flatMap(({ name, protocol }) =>
      actionNames(protocols.find(({ id }) => id === protocol) ?? assert.fail()).map((action) => ({
        name: action,
        principal: 'support-bot',
        target: name,
        action,
        text: texts[protocol],
        expect: 'deny',
      })),
    );
    try {
      writeFileSync(cases, JSON.stringify(asked));
      const outcomes = await testPolicy(cases, config, configuredPolicy({ ...config, policies: null }));
      const refused = outcomes.flatMap(({ name, difference }) =>
        difference?.endsWith(`${name} has no text: leave it out, or name the action that has it`) ? [name] : [],
      );
      assert.deepEqual([...new Set(refused)].toSorted(), [
        'http.connect',
        'llm.connect',
        'mcp.answer',
        'mcp.connect',
        'mcp.end_session',
        'mcp.open_stream',
        'postgres.cancel',
        'postgres.connect',
        'postgres.copy',
        'postgres.function_call',
        'postgres.refuse',
      ]);
    } finally {
      rmSync(directoryOfCases, { recursive: true });
    }
  });

  test('every fact and action of every protocol is in docs/policy-facts.md', () => {
    assert.equal(readFileSync(join(root, 'docs', 'policy-facts.md'), 'utf8'), policyFactsDocument(), 'node tools/policy-facts.ts writes it');
    for (const { context, actions } of protocols) {
      for (const name of [...context.map((field) => `context.${field.name}`), ...actions.map((action) => action.name)]) {
        assert.ok(policyFactsDocument().includes(`\`${name}\``), name);
      }
    }
  });
});

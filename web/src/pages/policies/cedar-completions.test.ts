import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cedarCompletions } from './cedar-completions.ts';

const words = [
  { kind: 'annotation', text: '@limit("rows 10000 per 1h")', meaning: '' },
  { kind: 'annotation', text: '@mask("email")', meaning: '' },
  { kind: 'context', text: 'context.effects', meaning: '' },
  { kind: 'context', text: 'context.session.tables', meaning: '' },
  { kind: 'action', text: 'Action::"postgres.query"', meaning: '' },
  { kind: 'entity', text: 'Target::"orders"', meaning: '' },
  { kind: 'entity', text: 'Group::"agents"', meaning: '' },
] as const;

function completed(line: string): readonly string[] {
  return cedarCompletions(line, words)?.words.map(({ text }) => `${line.slice(0, cedarCompletions(line, words)?.from)}${text}`) ?? [];
}

test('a line of a policy is completed by annotations, facts, actions and names, as they may stand there', () => {
  assert.deepEqual(completed('@li'), ['@limit("rows 10000 per 1h")']);
  assert.deepEqual(completed('when { context.eff'), ['when { context.effects']);
  assert.deepEqual(completed('when { context.session.'), ['when { context.session.tables']);
  assert.deepEqual(completed('action == Action::"post'), ['action == Action::"postgres.query"']);
  assert.deepEqual(completed('action == Action::'), ['action == Action::"postgres.query"']);
  assert.deepEqual(completed('resource == Target::"o'), ['resource == Target::"orders"']);
  assert.deepEqual(completed('principal in Gr'), ['principal in Group::']);
  assert.deepEqual(completed('forb'), ['forbid (principal, action, resource);']);
});

test('nothing is completed in comments and in texts', () => {
  for (const line of ['// context.', '// forb', '@reason("context.', '@reason("forb', '', 'forbid (']) {
    assert.deepEqual(completed(line), [], line);
  }
});

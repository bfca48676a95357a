import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { parseOptions } from '../../domain/options.ts';
import { postgresOptions } from './options.ts';

test('the operator says what functions do, by names with their schema and by known effects', () => {
  const { functions } = parseOptions(postgresOptions, { functions: { 'app.total': 'read', 'app.wipe': 'write destroy', 'app.Odd name': ['execute'] } });
  assert.deepEqual(functions, { 'app.total': ['read'], 'app.wipe': ['write', 'destroy'], 'app.Odd name': ['execute'] });
  assert.deepEqual(parseOptions(postgresOptions, { functions }).functions, functions);
  for (const wrong of [{ total: 'read' }, { 'app.total': 'reads' }, { 'app.total': [] }, { 'a.b.c': 'read' }, { 'app.total': 'unknown' }]) {
    assert.throws(() => parseOptions(postgresOptions, { functions: wrong }), { code: 'config_invalid' });
  }
});

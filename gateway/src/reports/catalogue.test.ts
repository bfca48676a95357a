import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery } from '../query/parse-query.ts';
import { isEverything } from '../query/query.ts';
import { reports } from './catalogue.ts';
import { evidence } from './evidence.ts';

test('each requirement of each report names its clause, what is asked for, and what shows or lacks something for it', () => {
  const names = reports.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names);
  assert.ok(names.every((name) => /^[a-z0-9-]{1,64}$/.test(name)));
  for (const { name, title, about, requirements } of reports) {
    assert.ok(title !== '' && about !== '' && requirements.length > 0, name);
    for (const { clause, asks, evidence: shown, settings } of requirements) {
      assert.match(clause, /\d/, `${name}: ${clause}`);
      assert.match(asks, /\.$/, `${name}: ${clause}`);
      assert.ok(shown.length + settings.length > 0, `${name}: ${clause}`);
    }
  }
});

test('each query of the evidence can be read, and each is used by a report', () => {
  const used = new Set(reports.flatMap(({ requirements }) => requirements.flatMap(({ evidence: names }) => names)));
  for (const [name, { shows, query, absent }] of Object.entries(evidence)) {
    assert.ok(!isEverything(parseQuery(query, 0)), name);
    assert.match(shows, /^[A-Z]/, name);
    assert.match(absent, /\.$/, name);
  }
  assert.deepEqual([...used].toSorted(), Object.keys(evidence).toSorted());
});

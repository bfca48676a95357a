import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseField, parseQuery } from '../query/parse-query.ts';
import { builtInAlerts } from './built-in-alerts.ts';

test('each built-in rule can be read, and is in the document as it is', () => {
  const document = readFileSync(new URL('../../../docs/alerts.md', import.meta.url), 'utf8');
  for (const [name, { query, by, title }] of Object.entries(builtInAlerts)) {
    parseQuery(query, 0);
    by.forEach(parseField);
    const line = document.split('\n').find((each) => each.startsWith(`| \`${name}\` | `)) ?? '';
    assert.ok(line.includes(title.replace(/\.$/, '')) && line.includes(`\`${query}\``), `docs/alerts.md does not say what ${name} is`);
  }
});

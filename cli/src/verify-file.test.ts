import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { describeFile } from './verify-file.ts';

test('T4.34: a bundle with invalid times is described nevertheless', () => {
  const lines = describeFile(
    {
      report: {
        verdict: 'integrity',
        findings: [],
        findingsDropped: 0,
        form: 'bundle',
        keySource: 'given',
        counts: { records: 1, opened: 0, withheld: 0, factsOnly: 0 },
      },
      facts: { principals: [], targets: [], firstMs: 0, lastMs: Number.MAX_SAFE_INTEGER },
    },
    true,
  );
  assert.ok(lines.includes("from 1970-01-01T00:00:00.000Z to a time that is none, by the gateway's clock"));
});

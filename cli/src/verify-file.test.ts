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
      isPage: false,
      facts: { principals: [], targets: [], firstMs: 0, lastMs: Number.MAX_SAFE_INTEGER },
    },
    true,
  );
  assert.ok(lines.includes("from 1970-01-01T00:00:00.000Z to a time that is none, by the gateway's clock"));
});

test('what a page shows in a browser is not proven by reading the evidence in it', () => {
  const linesOf = (isPage: boolean): string =>
    describeFile(
      {
        report: {
          verdict: 'holds',
          findings: [],
          findingsDropped: 0,
          form: 'evidence',
          keySource: 'given',
          sessions: 1,
          extent: 'closed',
          counts: { records: 2, opened: 2, withheld: 0, factsOnly: 0 },
        },
        isPage,
        facts: { principals: [], targets: [], firstMs: 0, lastMs: 0 },
      },
      true,
    ).join('\n');
  assert.match(linesOf(true), /It does not prove: .*; that the page shows this in a browser: its program is that of who made the file/);
  assert.doesNotMatch(linesOf(false), /the page/);
});

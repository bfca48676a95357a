import { strict as assert } from 'node:assert';
import { test } from 'node:test';
import { openLog } from './telemetry.ts';

test('T4.33: an unknown log level is named in the error, with the levels that exist', () => {
  for (const level of ['junk', '', 'INFO', 'toString']) {
    assert.throws(() => openLog(level), {
      code: 'config_invalid',
      message: `COUNTERSIGN_LOG is "${level}": it is one of trace, debug, info, warn, error, fatal, silent.`,
    });
  }
  assert.equal(openLog('silent').level, 'silent');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StorageSettings } from '../domain/storage.ts';
import { isAtHand } from './setting-checks.ts';

const bucket = {
  bucket: 'record',
  region: 'eu-north-1',
  endpoint: null,
  prefix: '',
  caFile: null,
  accessKeyId: { env: 'ID' },
  secretAccessKey: { env: 'SECRET' },
  sessionToken: null,
  lock: 'compliance',
  behindMs: 600_000,
} as const;

test('what of the newest days is only in the bucket is said to be missing at hand', () => {
  const cases: readonly (readonly [StorageSettings['keepLocal'] | null, RegExp, RegExp])[] = [
    [null, /^All of the journal that is kept is on the disk/, /^$/],
    [{ days: null, bytes: null }, /^All of the journal that is kept is on the disk/, /^$/],
    [{ days: 92, bytes: null }, /^The newest 92 days of the journal are on the disk/, /^$/],
    [{ days: 91, bytes: null }, /^The newest 91 days/, /^Only the newest 91 days of the journal are on the disk, and 92 days are asked for/],
    [{ days: 400, bytes: 5000 }, /^$/, /^Only the newest 5000 bytes of the journal are on the disk, however many days that is/],
    [{ days: 1, bytes: 5000 }, /^$/, /^Only the newest 1 day of .* Only the newest 5000 bytes/],
  ];
  for (const [keepLocal, says, lacks] of cases) {
    const answer = isAtHand(92)({ storage: keepLocal === null ? null : { ...bucket, keepLocal } });
    assert.match(answer.says.join(' '), says, JSON.stringify(keepLocal));
    assert.match(answer.lacks.join(' '), lacks, JSON.stringify(keepLocal));
  }
});

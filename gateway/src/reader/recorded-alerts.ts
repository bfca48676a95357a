import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeSight } from '../access/rights.ts';
import { alertActions } from '../alerts/alert.ts';
import type { AboutAlert } from '../alerts/alert-book.ts';
import type { RecordSearch } from '../search/record-search.ts';

/** Most records about alerts that are looked for. */
const recalledMax = 20_000;

/** Finds what is on record about alerts, the oldest first. */
export async function findAlertRecords(search: RecordSearch, data: string): Promise<readonly AboutAlert[]> {
  const found: AboutAlert[] = [];
  const query = `action:(${Object.values(alertActions).join(' ')})`;
  const wanted = {
    query,
    besides: [],
    nowMs: Date.now(),
    limit: recalledMax,
    before: null,
    answer: 'records',
    checkpoint: { size: 0, note: readFileSync(join(data, 'log', 'checkpoint'), 'utf8') },
    sight: wholeSight,
  } as const;
  for await (const line of search.search(wanted)) {
    if ('record' in line && line.verified) {
      found.push(line);
    }
  }
  return found.toReversed();
}

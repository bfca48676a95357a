import type { FoundEvidence } from '../reports/fill-report.ts';
import type { SearchLine } from '../search/found.ts';

/** Reads the answer of a search. Of the records those are shown that the checkpoint of this size proves; newer ones are counted. */
export async function foundEvidence(answer: AsyncIterable<Uint8Array>, size: number): Promise<FoundEvidence> {
  const pieces: Uint8Array[] = [];
  for await (const piece of answer) {
    pieces.push(piece);
  }
  const lines = Buffer.concat(pieces)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  const records: FoundEvidence['records'][number][] = [];
  let [count, unproven] = [0, 0];
  let behind: FoundEvidence['behind'] = 0;
  for (const line of lines) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the thread that reads prints such lines, as `SearchLine` says
    const each = JSON.parse(line) as SearchLine;
    if ('summary' in each) {
      ({ count, behind } = each.summary);
    } else if ('verified' in each && Number(each.record.split('/')[1]) < size) {
      if (each.verified) {
        const { record, time, principal, target, kind, action, verdict } = each;
        records.push({ record, time, principal, target, kind, action, verdict });
      } else {
        unproven += 1;
      }
    }
  }
  return { count, records, unproven, behind };
}

import { summarize, type IndexedSession } from '../feed/session-index.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Finding, SessionOverview } from './found.ts';
import type { RecordIndex } from './record-index.ts';
import { RecordOpener } from './record-opener.ts';
import { riskOf, weighSigns } from './risk.ts';
import { readMarks, type SessionMarks } from './session-marks.ts';

const titleCharactersMax = 120;
/** How a prompt's own words begin in the text of a request to a model. */
const ofUser = 'user: ';

export interface OverviewParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: RecordIndex;
  readonly findProtocol: FindProtocol;
  /** Returns the number of the key of a session; null: it has none. */
  readonly keyOf: (session: string) => number | null;
}

/** Makes the overviews of sessions, in their order: what the session's index has, and what the index of records shows of their records. */
export async function* overviewsOf(
  { data, keys, index, findProtocol, keyOf }: OverviewParts,
  sessions: readonly IndexedSession[],
  { hasContent, nowMs }: { readonly hasContent: boolean; readonly nowMs: number },
): AsyncGenerator<SessionOverview> {
  using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (at) => index.blockOf(at), keyOf });
  const all = await readMarks(index.blocks(), sessions);
  for (const session of sessions) {
    const marks = all.get(session.session);
    if (marks !== undefined) {
      const classes = [...marks.classes].toSorted();
      const signs = weighSigns({
        openedMs: session.own ? null : session.openedMs,
        classes,
        signs: new Map([...marks.signs].map(([sign, { count }]) => [sign, count])),
      });
      yield {
        ...summarize(session),
        title: hasContent && marks.title !== null ? titleOf((await opener.open(marks.title))?.read.text ?? '') : null,
        durationMs: (session.closedMs ?? nowMs) - session.openedMs,
        counts: Object.fromEntries([...marks.counts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
        classes,
        risk: riskOf(signs),
        findings: await findingsOf(signs, marks, opener),
        unindexed: Math.max(0, session.records - marks.records),
      };
    }
  }
}

async function findingsOf(signs: ReturnType<typeof weighSigns>, marks: SessionMarks, opener: RecordOpener): Promise<readonly Finding[]> {
  return Promise.all(
    signs.map(async ({ sign, words, count, weight }) => {
      const shown = sign === 'off-hours' ? undefined : marks.signs.get(sign);
      const leaf = shown === undefined ? null : await opener.leafOf(shown.first);
      return { sign, words, count, weight, record: leaf === null ? null : `${leaf.gatewayId}/${leaf.logIndex}`, seq: leaf?.sessionSeq ?? null };
    }),
  );
}

/** Returns the beginning of what was first asked in a text. White space counts as one space. */
export function titleOf(text: string): string | null {
  const lines = text.split('\n').map((line) => line.trim());
  const line = lines.find((each) => each.startsWith(ofUser))?.slice(ofUser.length) ?? lines.find((each) => each !== '') ?? '';
  const flat = line.replaceAll(/\s+/gu, ' ').trim();
  return flat === '' ? null : flat.length > titleCharactersMax ? `${flat.slice(0, titleCharactersMax)}…` : flat;
}

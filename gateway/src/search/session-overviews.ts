import type { Sight } from '../access/rights.ts';
import type { SessionSummary } from '../feed/shown-record.ts';
import { isEverything, nothing, type Query } from '../query/query.ts';
import { summarize, type IndexedSession } from '../feed/session-index.ts';
import type { FindProtocol } from '../feed/timeline.ts';
import type { KeyStore } from '../recording/key-store.ts';
import type { Finding, SessionOverview, WantedSessions } from './found.ts';
import type { SearchedIndex } from './searched-index.ts';
import { RecordOpener, type RecordOpenerParts } from './record-opener.ts';
import { riskOf, weighSigns } from './risk.ts';
import { sees } from './sight.ts';
import { readMarks, type SessionMarks } from './session-marks.ts';

const titleCharactersMax = 120;
/** How a prompt's own words begin in the text of a request to a model. */
const ofUser = 'user: ';

export interface OverviewParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SearchedIndex;
  readonly findProtocol: FindProtocol;
  /** Returns the number of the key of a session; null: it has none. */
  readonly keyOf: RecordOpenerParts['keyOf'];
}

/** How overviews are made. With `hasActivity` each says how its targets were used over its time. */
export type WantedOverviews = Pick<WantedSessions, 'sight' | 'nowMs' | 'hasActivity'>;

/** Makes the overviews of sessions, in their order: what the session's index has, and what the index of records shows of their records. */
export async function* overviewsOf(
  { data, keys, index, findProtocol, keyOf }: OverviewParts,
  sessions: readonly IndexedSession[],
  { sight, nowMs, hasActivity = false }: WantedOverviews,
): AsyncGenerator<SessionOverview> {
  using opener = new RecordOpener({ data, keys, findProtocol, blockOf: (at) => index.blockOf(at), keyOf });
  const all = await readMarks(index.blocks(), sessions, sight, { activityToMs: hasActivity ? nowMs : null });
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
        ...partOf(session, marks, sight.facts),
        title: await titleAt(marks.title ?? marks.first, sight, opener),
        durationMs: Math.max(0, (session.closedMs ?? nowMs) - session.openedMs),
        counts: Object.fromEntries([...marks.counts].toSorted(([a], [b]) => (a < b ? -1 : 1))),
        onBehalfOf: [...marks.onBehalfOf].toSorted(),
        classes,
        risk: riskOf(signs),
        findings: await findingsOf(signs, marks, opener),
        ...(marks.activity === null ? {} : { activity: [...marks.activity.ofTargets()] }),
        unindexed: isEverything(sight.facts) ? Math.max(0, session.records - marks.records) : 0,
      };
    }
  }
}

/** Yields what is seen of sessions, of those with records that are seen. */
export async function* summariesOf(index: SearchedIndex, sessions: AsyncIterable<IndexedSession>, seen: Query): AsyncGenerator<SessionSummary> {
  const all: IndexedSession[] = [];
  for await (const session of sessions) {
    all.push(session);
  }
  const marks = await readMarks(index.blocks(), all, { facts: seen, content: nothing });
  for (const session of all) {
    const own = marks.get(session.session);
    if (own !== undefined && own.records > 0) {
      yield partOf(session, own, seen);
    }
  }
}

/** Returns of a session who, when and in which state, and of its targets and records those that are seen. */
function partOf(session: IndexedSession, { records, targets }: SessionMarks, seen: Query): SessionSummary {
  const whole = summarize(session);
  return isEverything(seen) ? whole : { ...whole, records, targets: [...targets].toSorted() };
}

async function titleAt(index: number | null, { content }: Sight, opener: RecordOpener): Promise<string | null> {
  const read = index === null ? undefined : (await opener.open(index))?.read;
  return read !== undefined && sees(content, read) ? titleOf(read.text) : null;
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

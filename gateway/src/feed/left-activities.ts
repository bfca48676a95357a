import { ownAttributes } from '../domain/own-attributes.ts';
import type { OpenedRecord } from '../domain/record.ts';
import { LiveHistory, readHistory, type HistorySummary } from '../domain/session-history.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { readSession, SessionOpener, SessionWalk } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import type { Follower } from './follower.ts';
import type { IndexedSession, SessionIndex } from './session-index.ts';

/** The activities to read: those that ended with the gateway at `sinceMs` or later. The journal must be followed up to `before` records. */
export interface WantedActivities {
  readonly before: number;
  readonly sinceMs: number;
}

/** The activity of a token that ended because the gateway ended. */
export interface LeftActivity {
  readonly token: string;
  /** The newest session of the activity, and when it was closed. */
  readonly session: string;
  readonly closedMs: number;
  readonly history: HistorySummary;
}

interface ActivityParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SessionIndex;
  readonly follower: Follower;
}

/** Reads from the journal what the activities did that the end of the gateway cut off, so that they can go on. */
export async function* readLeftActivities(
  { data, keys, index, follower }: ActivityParts,
  { before, sinceMs }: WantedActivities,
  left: AbortSignal,
): AsyncGenerator<LeftActivity> {
  await follower.catchUp();
  while (follower.position.size < before && !left.aborted) {
    await follower.progress(left);
  }
  for (const [token, sessions] of Map.groupBy(index.leftActivities(sinceMs), (session) => session.token)) {
    const newest = sessions.at(-1);
    if (token === null || newest === undefined || left.aborted) {
      continue;
    }
    const folds: HistoryFold[] = [];
    for (const session of sessions) {
      folds.push(await foldSession(session));
    }
    const history = new LiveHistory();
    // A session has the acts of those that it continues in its own history.
    const continued = new Set(folds.flatMap(({ continues }) => [...continues]));
    for (const [i, fold] of folds.entries()) {
      if (fold.isContinued || !continued.has(sessions[i]?.session ?? '')) {
        history.include(fold.history.summary);
      }
    }
    yield { token, session: newest.session, closedMs: newest.closedMs ?? 0, history: history.summary };
  }

  async function foldSession({ id, session, records }: IndexedSession): Promise<HistoryFold> {
    const fold = new HistoryFold();
    const opener = new SessionOpener(keys);
    const turn = new Turn();
    const extent = { session, records, state: 'closed', parts: (seq: number) => index.parts(id, seq) } as const;
    for await (const raw of readSession(data, extent, new SessionWalk(session))) {
      const record = opener.open(raw);
      fold.add(record);
      await turn.spend(record.content?.length ?? 0);
      if (left.aborted) {
        break;
      }
    }
    return fold;
  }
}

/** Makes the history of a session from its records, as the session made it from its acts. */
export class HistoryFold {
  history = new LiveHistory();
  /** The sessions whose acts are in the history of this one. */
  readonly continues = new Set<string>();
  /** True if another session continued this one while its channels went on. Its history is then only what they did after that. */
  isContinued = false;
  readonly #held = new Map<number, OpenedRecord>();

  add(record: OpenedRecord): void {
    const { kind, meta, seq, content } = record;
    if (record.withheld !== null && record.withheld !== 'not_kept') {
      this.history.isCut = true;
      this.history.followed.isCut = true;
    }
    if (meta === null) {
      return;
    }
    const { verdict, request, attributes = {} } = meta;
    if (attributes[ownAttributes.parentSession] !== undefined || attributes[ownAttributes.childSession] !== undefined) {
      // Runs within one another have one history, which the records of one of them do not tell.
      this.history.isCut = true;
      this.history.followed.isCut = true;
    }
    if (kind === 'event') {
      this.history.noted(attributes);
      this.#continue(attributes);
    } else if (kind === 'request' && verdict === 'hold') {
      this.#held.set(seq, record);
    } else if (kind === 'request' && verdict !== undefined && meta.undecided === undefined) {
      this.#remember(record, verdict);
    } else if (kind === 'decision' && request !== undefined && verdict !== undefined) {
      this.#remember(this.#held.get(request) ?? record, verdict);
      this.#held.delete(request);
      if (verdict === 'allow' && meta.obligations?.some((each) => each.kind === 'approval') === true) {
        this.history.approved();
      }
    } else if (kind === 'response') {
      const notKept = attributes[ownAttributes.contentBytes];
      this.history.answered(attributes, typeof notKept === 'number' ? notKept : (content?.length ?? 0));
    }
  }

  #remember({ channelFacts, meta }: OpenedRecord, verdict: string): void {
    const attributes = meta?.attributes ?? {};
    if (verdict === 'allow') {
      this.history.allowed(channelFacts?.target ?? '', attributes);
      // The names of tables may be among what was too long for the record.
      this.history.isCut ||= attributes[ownAttributes.cut] !== undefined;
    } else if (verdict === 'deny') {
      this.history.denied();
    }
  }

  #continue(attributes: Readonly<Record<string, unknown>> & NonNullable<OpenedRecord['meta']>['attributes']): void {
    const { [ownAttributes.previousSession]: previous, [ownAttributes.nextSession]: next } = attributes ?? {};
    const before = readHistory(attributes ?? {});
    if (typeof previous === 'string') {
      this.continues.add(previous);
    }
    if (typeof next === 'string' && before === null) {
      this.history = new LiveHistory();
      this.isContinued = true;
    }
    if (before !== null) {
      this.history = before.isFirst ? new LiveHistory() : this.history;
      this.history.include(before.summary);
    }
  }
}

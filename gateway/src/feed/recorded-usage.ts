import {
  decodeLeaf,
  entryAt,
  entryPlaces,
  leafBytes,
  leafFlags,
  leafKinds,
  leafOffsets,
  readUint53,
  storesContent,
  type Frame,
} from '@countersign/ledger/format';
import type { Obligation } from '../domain/decision.ts';
import { ObligedRequests } from '../domain/obliged-requests.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { ReadMeta } from '../domain/record.ts';
import { amountsOf, readLimit, Usage, type UsageLimit, type UsedAmount, type User } from '../domain/usage.ts';
import { isPlacedFrame, journalStart, readJournalRuns, type JournalPlace } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { SessionOpener, type RawRecord } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import type { Follower } from './follower.ts';
import type { SessionIndex } from './session-index.ts';

/** The windows to fill from the journal. */
export interface WantedUsage {
  readonly limits: readonly UsageLimit[];
  /** The number of records that count: those that come later are counted where they are made. */
  readonly before: number;
  /** The time of the clock that the windows follow, and by how much it is ahead of the clock of the records, in ms. */
  readonly nowMs: number;
  readonly aheadMs: number;
}

interface UsageParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SessionIndex;
  readonly follower: Follower;
}

/** Most amounts in one piece. */
const pieceAmounts = 1000;

/** Reads from the journal how much of limits was used. It reads only as far back as the longest window, and keeps only what is open there. */
export async function* readUsage({ data, keys, index, follower }: UsageParts, wanted: WantedUsage, left: AbortSignal): AsyncGenerator<readonly UsedAmount[]> {
  await follower.catchUp();
  while (follower.position.size < wanted.before && !left.aborted) {
    await follower.progress(left);
  }
  const seconds = Math.max(0, ...wanted.limits.map((limit) => limit.seconds));
  // One bucket more than the window is counted, so a little more than the window is read.
  const place = index.placeSince(wanted.nowMs - wanted.aheadMs - seconds * 1100);
  const usage = (await readFrom(place)) ?? (await readFrom(journalStart)) ?? new Usage();
  let piece: UsedAmount[] = [];
  for (const amount of usage.amounts()) {
    piece.push(amount);
    if (piece.length === pieceAmounts) {
      yield piece;
      piece = [];
    }
  }
  yield piece;

  /** Null: the index does not tell where sessions begin whose records are there, so all must be read. */
  async function readFrom(from: JournalPlace | null): Promise<Usage | null> {
    const turn = new Turn();
    const fold = new UsageFold(keys, wanted, (session) => from !== journalStart && index.find(session)?.own === true);
    for await (const run of from === null ? [] : readJournalRuns(data, from)) {
      for (const step of run) {
        if (left.aborted || (isPlacedFrame(step) && step.frame.header.type === 'batch' && step.frame.header.index >= wanted.before)) {
          return fold.usage;
        }
        if (isPlacedFrame(step) && step.frame.header.type === 'batch') {
          if (!(await fold.add(step.frame)) && from !== journalStart) {
            return null;
          }
          await turn.spend(step.frame.end - step.frame.offset);
        }
      }
    }
    return fold.usage;
  }
}

/** A session whose records are being counted. */
interface Counted {
  readonly opener: SessionOpener;
  readonly channels: Map<number, { readonly user: User; readonly obliged: ObligedRequests }>;
  /** True if a request of it was allowed: then it is counted as a session. */
  hasActed: boolean;
}

/** Counts the records of the journal in order. */
class UsageFold {
  readonly usage = new Usage();
  readonly #keys: KeyStore;
  readonly #wanted: WantedUsage;
  readonly #names: ReadonlySet<string>;
  readonly #isOwn: (session: string) => boolean;
  /** The sessions that are open at this place of the journal. Null: one that is not counted, because it is the gateway's own. */
  readonly #sessions = new Map<string, Counted | null>();
  /** Obligations by their text, so that requests with the same ones share them. */
  readonly #shared = new Map<string, readonly Obligation[]>();

  constructor(keys: KeyStore, wanted: WantedUsage, isOwn: (session: string) => boolean) {
    this.#keys = keys;
    this.#wanted = wanted;
    this.#names = new Set(wanted.limits.map(({ name }) => name));
    this.#isOwn = isOwn;
  }

  /** Counts the records of a frame. Resolves with false if a session has records there and its beginning was not seen. */
  async add(frame: Frame): Promise<boolean> {
    const body = Buffer.from(frame.body.buffer, frame.body.byteOffset, frame.body.length);
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    for (const at of entryPlaces(frame)) {
      const session = body.toString('hex', at + leafOffsets.session, at + leafOffsets.sessionSeq);
      const kind = body[at + leafOffsets.kind];
      let counted = this.#sessions.get(session);
      if (counted === undefined) {
        const isBegun = readUint53(view, at + leafOffsets.sessionSeq) > 0;
        if (isBegun && !this.#isOwn(session)) {
          return false;
        }
        counted = isBegun || kind !== leafKinds.open ? null : { opener: new SessionOpener(this.#keys), channels: new Map(), hasActed: false };
        this.#sessions.set(session, counted);
      }
      if (kind === leafKinds.close) {
        this.#sessions.delete(session);
      } else if (counted !== null) {
        const leaf = decodeLeaf(body.subarray(at, at + leafBytes));
        const entry = entryAt(body, view, at);
        await this.#count(counted, { leaf, leafBytes: entry.leaf, entry });
      }
    }
    return true;
  }

  async #count(counted: Counted, raw: RawRecord): Promise<void> {
    const { leaf } = raw;
    switch (leaf.kind) {
      case 'open':
        counted.opener.learnKey(raw);
        break;
      case 'decision':
      case 'event': {
        const meta = await metaOf(counted, raw);
        if (meta?.opens !== undefined) {
          const { principal, target } = meta.opens;
          counted.channels.set(meta.channel, { user: { principal, target }, obliged: new ObligedRequests() });
        }
        counted.hasActed ||= leaf.kind === 'decision' && meta?.request !== undefined && meta.verdict === 'allow';
        break;
      }
      case 'request':
        await this.#countRequest(counted, raw);
        break;
      case 'response':
        await this.#countAnswer(counted, raw);
        break;
      default:
    }
  }

  async #countRequest(counted: Counted, raw: RawRecord): Promise<void> {
    const { leaf } = raw;
    const meta = await metaOf(counted, raw);
    const channel = counted.channels.get(meta?.channel ?? 0);
    if (meta === null || channel === undefined || !countsByItself(meta) || meta.verdict === 'deny') {
      return;
    }
    const obligations = this.#share(meta.obligations ?? []);
    for (const limit of this.#limitsOf(obligations)) {
      if (limit.what === 'requests' || (limit.what === 'sessions' && !counted.hasActed)) {
        this.usage.add(limit, channel.user, { amount: 1, timeMs: this.#timeOf(leaf.timeMs) });
      }
    }
    counted.hasActed ||= meta.verdict === 'allow';
    if (obligations.length > 0) {
      channel.obliged.add(meta.request ?? leaf.sessionSeq, obligations);
    }
  }

  async #countAnswer(counted: Counted, raw: RawRecord): Promise<void> {
    const meta = [...counted.channels.values()].some(({ obliged }) => !obliged.isEmpty) ? await metaOf(counted, raw) : null;
    const channel = counted.channels.get(meta?.channel ?? 0);
    if (meta === null || channel === undefined) {
      return;
    }
    for (const limit of this.#limitsOf(channel.obliged.of(meta.request))) {
      if (limit.what === 'bytes') {
        this.usage.add(limit, channel.user, { amount: await contentBytes(counted, raw, meta), timeMs: this.#timeOf(raw.leaf.timeMs) });
      } else if (limit.what === 'rows' || limit.what === 'tokens') {
        this.usage.add(limit, channel.user, { amount: amountsOf(meta.attributes ?? {})[limit.what], timeMs: this.#timeOf(raw.leaf.timeMs) });
      }
    }
  }

  #limitsOf(obligations: readonly Obligation[]): readonly UsageLimit[] {
    return obligations.flatMap((obligation) => readLimit(obligation) ?? []).filter(({ name }) => this.#names.has(name));
  }

  #share(obligations: readonly Obligation[]): readonly Obligation[] {
    const key = JSON.stringify(obligations);
    const known = this.#shared.get(key);
    if (known === undefined) {
      this.#shared.set(key, obligations);
    }
    return known ?? obligations;
  }

  /** The time of a record by the clock of the windows. A record of the future, made before the clock was set back, counts as of now. */
  #timeOf(recordMs: number): number {
    return Math.min(recordMs + this.#wanted.aheadMs, this.#wanted.nowMs);
  }
}

const controlFrames: ReadonlySet<unknown> = new Set(['close', 'ping', 'pong']);

/** True for the first record of a request, and of the frame that ends a message over WebSocket; false for any other part of a request. */
function countsByItself({ request, attributes = {} }: ReadMeta): boolean {
  const opcode = attributes[ownAttributes.websocketOpcode];
  const isMessage = opcode !== undefined && !controlFrames.has(opcode) && attributes[ownAttributes.websocketFinal] === true;
  return request === undefined || (isMessage && attributes[ownAttributes.websocketOffset] === undefined);
}

async function metaOf({ opener }: Counted, raw: RawRecord): Promise<ReadMeta | null> {
  if ((raw.leaf.flags & leafFlags.hasMeta) === 0) {
    return null;
  }
  const body = await opener.openBody(raw, 'meta');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the recorder wrote it, and its commitment was checked
  return body.state === 'open' ? (JSON.parse(Buffer.from(body.plain).toString()) as ReadMeta) : null;
}

async function contentBytes({ opener }: Counted, raw: RawRecord, { attributes = {} }: ReadMeta): Promise<number> {
  const notKept = attributes[ownAttributes.contentBytes];
  if (typeof notKept === 'number') {
    return notKept;
  }
  const body = storesContent(raw.leaf.flags) ? await opener.openBody(raw, 'content') : null;
  return body?.state === 'open' ? body.plain.length : 0;
}

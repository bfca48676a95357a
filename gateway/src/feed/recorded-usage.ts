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
import type { Attributes } from '../domain/action.ts';
import type { Obligation } from '../domain/decision.ts';
import { GatewayError } from '../domain/errors.ts';
import { ObligedRequests } from '../domain/obliged-requests.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { PolicySource } from '../domain/policy-source.ts';
import type { Principal } from '../domain/principal.ts';
import { runAction, type KnownChannel, type OpenedRecord, type ReadMeta } from '../domain/record.ts';
import type { LiveHistory } from '../domain/session-history.ts';
import type { Target, TargetFacts } from '../domain/target.ts';
import { amountsOf, readLimit, Usage, type UsageLimit, type UsedAmount, type User } from '../domain/usage.ts';
import { isPlacedFrame, journalStart, readJournalRuns, type JournalPlace } from '../recording/journal-reader.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { SessionOpener, type RawRecord } from '../recording/session-reader.ts';
import { Turn } from '../recording/turn.ts';
import type { Follower } from './follower.ts';
import { HistoryFold } from './left-activities.ts';
import type { Recordings } from './recordings.ts';
import type { SessionIndex } from './session-index.ts';

/** The policies in force, as far as another thread needs them to decide which recorded requests their limits are about. */
export interface LimitPolicies {
  readonly version: string;
  readonly sources: readonly PolicySource[];
  readonly targets: readonly (TargetFacts & Pick<Target, 'tags' | 'mode'>)[];
  readonly principals: readonly Principal[];
  /** True if one with a limit asks what a session did. */
  readonly readsHistory: boolean;
}

/** A request as it is on record. */
export interface RecordedRequest extends Pick<KnownChannel, 'principal' | 'principalKind' | 'groups' | 'onBehalfOf' | 'clientAddress' | 'target'> {
  readonly session: string;
  /** The session of the run in which it was made; null if it was made in none. */
  readonly run: string | null;
  readonly timeMs: number;
  readonly action: string;
  readonly attributes: Attributes;
  /** True if its content was not kept. */
  readonly isFactsOnly: boolean;
  /** The history of the session before it; null if no policy with a limit asks for it. */
  readonly history: LiveHistory | null;
}

/** Decides by the policies in force. */
export interface LimitRules {
  /** Returns the limits of a recorded request, as obligations. A policy that needs facts which are not on record counts as one that applies. */
  limitsOf(request: RecordedRequest): readonly Obligation[];
  /** Returns the names of the limits of a version of the policies, from its recorded text. */
  namesIn(text: string): ReadonlySet<string>;
}

/** The windows to fill from the journal. */
export interface WantedUsage {
  readonly limits: readonly UsageLimit[];
  /** The number of records that count: those that come later are counted where they are made. */
  readonly before: number;
  /** The time of the clock that the windows follow, and by how much it is ahead of the clock of the records, in ms. */
  readonly nowMs: number;
  readonly aheadMs: number;
  /** Null: no other policies are known than those that decided when the requests were made. */
  readonly policies: LimitPolicies | null;
}

interface UsageParts {
  readonly data: string;
  readonly keys: KeyStore;
  readonly index: SessionIndex;
  readonly follower: Follower;
  readonly recordings: Recordings;
  /** Called when a record was made under other policies than those in force. */
  readonly loadRules: (policies: LimitPolicies) => Promise<LimitRules>;
}

/** Most amounts in one piece. */
const pieceAmounts = 1000;

/** Reads from the journal how much of limits was used. It reads only as far back as the longest window, and keeps only what is open there. */
export async function* readUsage(parts: UsageParts, wanted: WantedUsage, left: AbortSignal): AsyncGenerator<readonly UsedAmount[]> {
  const { data, keys, index, follower } = parts;
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
    const fold = new UsageFold(keys, wanted, {
      isOwn: (session) => from !== journalStart && index.find(session)?.own === true,
      newLimits: new NewLimits(parts, wanted),
    });
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
  /** True if the session is that of a run. */
  isRun: boolean;
  readonly channels: Map<number, CountedChannel>;
  /** Null: nobody asks what the session did. */
  readonly history: HistoryFold | null;
  /** New limits of requests that are held, until it is known that an approval was asked for: a request that is sent again asks for none. */
  readonly held: Map<number, readonly UsageLimit[]>;
  /** The targets at which a request of it was allowed. */
  readonly actedAt: Set<string>;
  /** The names of the limits for which it is counted as a session. */
  readonly countedFor: Set<string>;
}

interface CountedChannel {
  readonly facts: KnownChannel;
  readonly user: User;
  readonly obliged: ObligedRequests;
}

/** The limits of requests that were made before these limits were in force. */
class NewLimits {
  readonly #parts: UsageParts;
  readonly #policies: LimitPolicies | null;
  readonly #names: readonly string[];
  #rules: Promise<LimitRules> | null = null;
  /** The names of the limits that are new since a version of the policies. */
  readonly #newSince = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(parts: UsageParts, { limits, policies }: WantedUsage) {
    this.#parts = parts;
    this.#policies = policies;
    this.#names = limits.map(({ name }) => name);
  }

  get readsHistory(): boolean {
    return this.#policies?.readsHistory === true;
  }

  /** Resolves with the limits that a request is under and that its record has no obligation of. */
  async of(request: RecordedRequest, { policyVersion: version = '', observed, obligations = [] }: ReadMeta): Promise<readonly Obligation[]> {
    const policies = this.#policies;
    if (policies === null || (version === policies.version && observed === undefined)) {
      return [];
    }
    this.#rules ??= this.#parts.loadRules(policies);
    const rules = await this.#rules;
    if (observed !== undefined) {
      // Limits that were only observed are no obligations of the request.
      const counted = new Set(obligations.map((each) => readLimit(each)?.name));
      return rules.limitsOf(request).filter((each) => !counted.has(readLimit(each)?.name));
    }
    const known = this.#newSince.get(version) ?? this.#readNew(version, rules);
    this.#newSince.set(version, known);
    const names = await known;
    return names.size === 0 ? [] : rules.limitsOf(request).filter((each) => names.has(readLimit(each)?.name ?? ''));
  }

  async #readNew(version: string, rules: LimitRules): Promise<ReadonlySet<string>> {
    const text = await this.#textOf(version);
    const known = text === null ? new Set() : rules.namesIn(text);
    return new Set(this.#names.filter((name) => !known.has(name)));
  }

  /** Resolves with the text of a version of the policies; null if it is not on record, or cannot be read any more. */
  async #textOf(version: string): Promise<string | null> {
    const { recordings } = this.#parts;
    try {
      const { found, seq } = await recordings.locatePolicy(version);
      for await (const { content } of recordings.show(found, seq)) {
        return content?.text ?? null;
      }
    } catch (error) {
      if (!(error instanceof GatewayError) || error.code === 'catching_up') {
        throw error;
      }
    }
    return null;
  }
}

/** Counts the records of the journal in order. */
class UsageFold {
  readonly usage = new Usage();
  readonly #keys: KeyStore;
  readonly #wanted: WantedUsage;
  readonly #names: ReadonlySet<string>;
  readonly #isOwn: (session: string) => boolean;
  readonly #newLimits: NewLimits;
  /** The sessions that are open at this place of the journal. Null: one that is not counted, because it is the gateway's own. */
  readonly #sessions = new Map<string, Counted | null>();
  /** Obligations by their text, so that requests with the same ones share them. */
  readonly #shared = new Map<string, readonly Obligation[]>();

  constructor(keys: KeyStore, wanted: WantedUsage, { isOwn, newLimits }: { readonly isOwn: (session: string) => boolean; readonly newLimits: NewLimits }) {
    this.#keys = keys;
    this.#wanted = wanted;
    this.#names = new Set(wanted.limits.map(({ name }) => name));
    this.#isOwn = isOwn;
    this.#newLimits = newLimits;
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
        counted = isBegun || kind !== leafKinds.open ? null : this.#begin();
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

  #begin(): Counted {
    const history = this.#newLimits.readsHistory ? new HistoryFold() : null;
    return { opener: new SessionOpener(this.#keys), isRun: false, channels: new Map(), history, held: new Map(), actedAt: new Set(), countedFor: new Set() };
  }

  async #count(counted: Counted, raw: RawRecord): Promise<void> {
    if (raw.leaf.kind === 'open' || raw.leaf.kind === 'secrets') {
      counted.opener.learnSecrets(raw);
      return;
    }
    const opened = counted.history === null ? null : counted.opener.open(raw);
    await this.#countOpened(counted, { ...raw, opened });
    if (opened !== null) {
      counted.history?.add(opened);
    }
  }

  async #countOpened(counted: Counted, raw: MaybeOpened): Promise<void> {
    const { leaf } = raw;
    switch (leaf.kind) {
      case 'decision':
      case 'event': {
        const meta = metaOf(counted, raw);
        if (meta?.opens !== undefined) {
          const { principal, target } = meta.opens;
          counted.channels.set(meta.channel, { facts: meta.opens, user: { principal, target }, obliged: new ObligedRequests() });
        }
        counted.isRun ||= leaf.kind === 'decision' && meta?.action === runAction;
        if (leaf.kind === 'decision' && meta?.request !== undefined && meta.verdict === 'allow') {
          counted.actedAt.add(counted.channels.get(meta.channel)?.user.target ?? '');
        }
        break;
      }
      case 'request':
        await this.#countRequest(counted, raw);
        break;
      case 'response':
        this.#countAnswer(counted, raw);
        break;
      case 'approval':
        this.#countHeld(counted, raw);
        break;
      default:
    }
  }

  async #countRequest(counted: Counted, raw: MaybeOpened): Promise<void> {
    const { leaf } = raw;
    const meta = metaOf(counted, raw);
    const channel = counted.channels.get(meta?.channel ?? 0);
    if (meta === null || channel === undefined || !countsByItself(meta) || meta.verdict === 'deny') {
      return;
    }
    const recorded = meta.obligations ?? [];
    const added = await this.#newLimits.of(requestOf(counted, channel, { leaf, meta }), meta);
    const countsActs = ({ name, what }: UsageLimit): boolean =>
      what === 'requests' || (what === 'sessions' && !counted.actedAt.has(channel.user.target) && !counted.countedFor.has(name));
    const isHeld = recorded.some(({ kind }) => kind === 'approval');
    const obligations = this.#share([...recorded, ...added]);
    for (const limit of this.#limitsOf(isHeld ? recorded : obligations).filter(countsActs)) {
      this.usage.add(limit, channel.user, { amount: 1, timeMs: this.#timeOf(leaf.timeMs) });
      counted.countedFor.add(limit.name);
    }
    if (isHeld && added.length > 0) {
      counted.held.set(leaf.sessionSeq, this.#limitsOf(added).filter(countsActs));
    }
    if (meta.verdict === 'allow') {
      counted.actedAt.add(channel.user.target);
    }
    if (obligations.length > 0) {
      channel.obliged.add(meta.request ?? leaf.sessionSeq, obligations);
    }
  }

  /** Counts a held request under limits that are new, once, however often it was sent: only the record that an approval begins to wait names the groups that must approve. */
  #countHeld(counted: Counted, raw: MaybeOpened): void {
    const meta = counted.held.size === 0 ? null : metaOf(counted, raw);
    const channel = counted.channels.get(meta?.channel ?? 0);
    const { [ownAttributes.approvalState]: state, [ownAttributes.approvalGroups]: groups } = meta?.attributes ?? {};
    if (meta?.request !== undefined && channel !== undefined && state === 'waiting' && groups !== undefined) {
      for (const limit of counted.held.get(meta.request) ?? []) {
        counted.countedFor.add(limit.name);
        this.usage.add(limit, channel.user, { amount: 1, timeMs: this.#timeOf(raw.leaf.timeMs) });
      }
      counted.held.delete(meta.request);
    }
  }

  #countAnswer(counted: Counted, raw: MaybeOpened): void {
    const meta = [...counted.channels.values()].some(({ obliged }) => !obliged.isEmpty) ? metaOf(counted, raw) : null;
    const channel = counted.channels.get(meta?.channel ?? 0);
    if (meta === null || channel === undefined) {
      return;
    }
    for (const limit of this.#limitsOf(channel.obliged.of(meta.request))) {
      if (limit.what === 'bytes') {
        this.usage.add(limit, channel.user, { amount: contentBytes(counted, raw, meta), timeMs: this.#timeOf(raw.leaf.timeMs) });
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

/** A record that is opened if all of them are. */
interface MaybeOpened extends RawRecord {
  readonly opened: OpenedRecord | null;
}

function requestOf(
  { history, isRun }: Counted,
  { facts }: CountedChannel,
  { leaf, meta }: Pick<RawRecord, 'leaf'> & { readonly meta: ReadMeta },
): RecordedRequest {
  const { session, timeMs, flags } = leaf;
  const { action = '', attributes = {} } = meta;
  return {
    ...facts,
    session,
    run: isRun ? session : null,
    timeMs,
    action,
    attributes,
    isFactsOnly: (flags & leafFlags.factsOnly) !== 0,
    history: history?.history ?? null,
  };
}

function metaOf({ opener }: Counted, raw: MaybeOpened): ReadMeta | null {
  if (raw.opened !== null) {
    return raw.opened.meta;
  }
  if ((raw.leaf.flags & leafFlags.hasMeta) === 0) {
    return null;
  }
  const body = opener.openBody(raw, 'meta');
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the recorder wrote it, and its commitment was checked
  return body.state === 'open' ? (JSON.parse(Buffer.from(body.plain).toString()) as ReadMeta) : null;
}

function contentBytes({ opener }: Counted, raw: MaybeOpened, { attributes = {} }: ReadMeta): number {
  const notKept = attributes[ownAttributes.contentBytes];
  if (typeof notKept === 'number') {
    return notKept;
  }
  if (raw.opened !== null) {
    return raw.opened.content?.length ?? 0;
  }
  const body = storesContent(raw.leaf.flags) ? opener.openBody(raw, 'content') : null;
  return body?.state === 'open' ? body.plain.length : 0;
}

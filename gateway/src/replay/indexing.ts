import { GatewayError } from '../domain/errors.ts';
import type { Obligation } from '../domain/decision.ts';
import { parseOptions } from '../domain/options.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { Keys } from '../domain/replay.ts';
import type { TargetFacts } from '../domain/target.ts';
import type { BundleEntry, LineExtent } from './bundle-file.ts';
import { MaskedTokens } from './masked-tokens.ts';
import type { RecordedMeta } from './recorded-meta.ts';
import { createHash } from 'node:crypto';

/** Most records of a recording. Each takes some hundred bytes of memory. */
const recordsMax = 1_000_000;
/** Most bytes of unfinished requests, in several records, that are held while the recording is read. A request that would exceed them is not served. */
const heldBytesMax = 64 * 1024 * 1024;

/** A request that is longer than this continues in further records, which name the first one. */
const partBytes = 1024 * 1024;
/** Most different obligations of one action at one target. Further ones are not carried out. */
const obligationsMax = 100;

/** A recorded request, with the places of its parts and of its answer. */
export interface IndexedRequest {
  readonly target: string;
  readonly seq: number;
  readonly channel: number;
  readonly action: string;
  readonly key: string;
  /** The ids that the request contains; see `RequestKey`. */
  readonly ids: readonly string[];
  readonly askedMs: number;
  readonly parts: readonly LineExtent[];
  readonly answers: readonly LineExtent[];
}

interface RecordedChannel {
  readonly target: string;
  readonly isStream: boolean;
  readonly partsHaveNoAnswer: boolean;
  readonly keys: Keys;
  latest: Growing | null;
}

/** A request that was not yet read to its end. */
interface Growing {
  readonly seq: number;
  readonly channel: number;
  readonly action: string;
  readonly parts: LineExtent[];
  readonly answers: LineExtent[];
  /** The bytes so far. Null once the request is complete, or if it is too long. */
  bytes: Buffer[] | null;
  isWhole: boolean;
}

/** Finds the requests of a session and their answers. Records must be given in order. */
export class Indexing {
  readonly targets = new Map<string, TargetFacts>();
  readonly requests: IndexedRequest[] = [];
  /** Number of records of requests and answers whose content was not kept. */
  notKept = 0;
  /** The different obligations of recorded requests, by `actionKey`. Each is there once, by its text. */
  readonly obligations = new Map<string, Map<string, Obligation>>();
  readonly tokens = new MaskedTokens();
  readonly #findProtocol: (id: string) => Protocol | undefined;
  readonly #channels = new Map<number, RecordedChannel>();
  /** The requests by the number of their record, and of each record that a long answer continues. */
  readonly #roots = new Map<number, Growing>();
  readonly #ids = new Map<string, string>();
  #heldBytes = 0;
  #records = 0;

  constructor(findProtocol: (id: string) => Protocol | undefined) {
    this.#findProtocol = findProtocol;
  }

  /** Adds a record. Throws GatewayError `limit_exceeded`. */
  add(entry: BundleEntry): void {
    this.#records += 1;
    if (this.#records > recordsMax) {
      throw new GatewayError('limit_exceeded', `A session of more than ${recordsMax} records is not served.`);
    }
    const { meta, kind } = entry;
    this.notKept += entry.withheld === 'not_kept' && (kind === 'request' || kind === 'response') ? 1 : 0;
    if (meta === null) {
      return;
    }
    if (meta.opens !== undefined) {
      this.#open(meta.channel, meta.opens);
    }
    const channel = this.#channels.get(meta.channel);
    if (channel !== undefined && kind === 'request') {
      this.#addRequest(channel, meta, entry);
    } else if (channel !== undefined && kind === 'response') {
      this.#addAnswer(channel, meta, entry);
    }
  }

  #open(number: number, opens: NonNullable<RecordedMeta['opens']>): void {
    for (const facts of opens.targets) {
      this.#addTarget(facts);
    }
    const protocol = this.#findProtocol(opens.protocol);
    if (protocol === undefined) {
      return;
    }
    // Older recordings do not hold the facts of their targets. Most targets are served without them.
    this.#addTarget({ name: opens.target, protocol: opens.protocol, scheme: '', host: 'localhost', port: 0, path: '', options: {} });
    const isStream = protocol.transport === 'stream';
    const partsHaveNoAnswer = isStream && protocol.replay.partsHaveNoAnswer === true;
    this.#channels.set(number, { target: opens.target, isStream, partsHaveNoAnswer, keys: protocol.replay.keys(), latest: null });
  }

  #addTarget(facts: TargetFacts): void {
    const protocol = this.#findProtocol(facts.protocol);
    if (protocol !== undefined && !this.targets.has(facts.name)) {
      // The host of a stream does not matter, since no target is dialled.
      const host = protocol.transport === 'stream' ? 'localhost' : facts.host;
      this.targets.set(facts.name, { ...facts, host, options: parseOptions(protocol.options, facts.options) });
    }
  }

  #addObligations(target: string, { action = '', obligations = [] }: RecordedMeta): void {
    this.tokens.add(obligations);
    for (const obligation of obligations) {
      const key = actionKey(target, action);
      const known = this.obligations.get(key) ?? new Map<string, Obligation>();
      this.obligations.set(key, known);
      if (known.size < obligationsMax) {
        known.set(JSON.stringify(obligation), obligation);
      }
    }
  }

  #addRequest(channel: RecordedChannel, meta: RecordedMeta, entry: BundleEntry): void {
    this.#addObligations(channel.target, meta);
    const root = meta.request ?? entry.seq;
    const known = this.#roots.get(root);
    if (known?.isWhole === true && channel.partsHaveNoAnswer) {
      return;
    }
    const growing = known === undefined || known.isWhole ? this.#begin(channel, meta, { root, seq: entry.seq }) : known;
    growing.parts.push(entry.at);
    this.#roots.set(entry.seq, growing);
    this.#hold(growing, entry);
    if (!entry.continues) {
      this.#finish(channel, growing, entry.timeMs);
    }
  }

  #begin(channel: RecordedChannel, { channel: number, action = '' }: RecordedMeta, { root, seq }: { readonly root: number; readonly seq: number }): Growing {
    const growing: Growing = { seq, channel: number, action, parts: [], answers: [], bytes: [], isWhole: false };
    this.#roots.set(root, growing);
    channel.latest = growing;
    return growing;
  }

  #hold(growing: Growing, { content, withheld }: BundleEntry): void {
    if (growing.bytes !== null && content !== null) {
      this.#heldBytes += content.length;
      growing.bytes.push(content);
    }
    if (withheld !== null || this.#heldBytes > heldBytesMax) {
      this.#letGo(growing);
    }
  }

  #letGo(growing: Growing): Buffer | null {
    const bytes = growing.bytes === null ? null : Buffer.concat(growing.bytes);
    this.#heldBytes -= bytes?.length ?? 0;
    growing.bytes = null;
    return bytes;
  }

  #finish({ target, keys }: RecordedChannel, growing: Growing, askedMs: number): void {
    growing.isWhole = true;
    const bytes = this.#letGo(growing);
    const { seq, channel, action, parts, answers } = growing;
    const made = bytes === null ? null : keys({ action, bytes });
    if (made !== null) {
      const key = this.tokens.name(made);
      const ids = key.ids.map((id) => this.#internId(id));
      this.requests.push({ target, seq, channel, action, key: indexKey(target, key.text), ids, askedMs, parts, answers });
    }
  }

  /** Returns one string for equal ids. A conversation repeats its ids in each request, and each is held only once. */
  #internId(id: string): string {
    const known = this.#ids.get(id) ?? id;
    this.#ids.set(known, known);
    return known;
  }

  /**
   * Adds an answer. If its record names a request, it belongs to the newest message of that exchange; otherwise, in a stream, to the newest request of the
   * channel.
   */
  #addAnswer(channel: RecordedChannel, { request }: RecordedMeta, { seq, at, content }: BundleEntry): void {
    const growing = request === undefined ? (channel.isStream ? channel.latest : null) : this.#roots.get(request);
    if (growing === null || growing === undefined) {
      return;
    }
    growing.answers.push(at);
    if ((content?.length ?? 0) >= partBytes) {
      this.#roots.set(seq, growing);
    }
  }
}

/** Returns the key of an action at a target. */
export function actionKey(target: string, action: string): string {
  return `${target}\0${action}`;
}

/** Returns a digest of target and key, by which requests are found. A key may be as long as a request, so the index does not hold keys themselves. */
export function indexKey(target: string, key: string): string {
  return createHash('sha256').update(`${target}\0${key}`).digest('base64');
}

import type { FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { FileReport } from '@countersign/ledger';
import { GatewayError } from '../domain/errors.ts';
import type { Obligation } from '../domain/decision.ts';
import type { Protocol } from '../domain/protocol.ts';
import type { AnswerPiece, Difference, Keys, RecordedRequest, RequestKey } from '../domain/replay.ts';
import type { TargetFacts } from '../domain/target.ts';
import { BundleFile, type LineExtent } from './bundle-file.ts';
import { actionKey, indexKey, Indexing, type IndexedRequest } from './indexing.ts';
import { Waiting, type NoneWaiting } from './waiting.ts';

/** The longest time that one timer can wait. */
const waitMsMax = 2 ** 31 - 1;

/** When the recorded request nearest to another one is searched, only the latest requests are compared: at most this many bytes of them. */
const comparedBytesMax = 64 * 1024 * 1024;

/** A recorded request, and the place in which the request that is made now differs from it. */
export interface Nearest {
  readonly seq: number;
  readonly difference: Difference;
}

export interface RecordingOptions {
  /** The trusted verifier keys. Without them the bundle's own key is used. */
  readonly keys?: readonly string[];
  readonly findProtocol: (id: string) => Protocol | undefined;
  /** The factor by which the replay is faster than the recording. Null: without pauses. */
  readonly speed: number | null;
}

/** A verified recording. It knows which requests were made and where their answers are. Bodies stay in the file. */
export class Recording {
  readonly session: string;
  /** The targets by name, in the order in which the run was given them or first used them. */
  readonly targets: ReadonlyMap<string, TargetFacts>;
  /** Number of records of requests and answers that cannot be replayed, because policy kept only their facts. */
  readonly notKept: number;
  readonly #file: BundleFile;
  readonly #waiting: Waiting;
  readonly #requests: ReadonlyMap<string, readonly IndexedRequest[]>;
  readonly #obligations: Indexing['obligations'];
  readonly #tokens: Indexing['tokens'];
  readonly #findProtocol: RecordingOptions['findProtocol'];
  readonly #speed: number | null;

  private constructor(file: BundleFile, indexing: Indexing, { findProtocol, speed }: RecordingOptions) {
    this.session = file.header.session;
    this.targets = indexing.targets;
    this.notKept = indexing.notKept;
    this.#file = file;
    this.#waiting = new Waiting(indexing.requests);
    this.#requests = Map.groupBy(indexing.requests, ({ target }) => target);
    this.#obligations = indexing.obligations;
    this.#tokens = indexing.tokens;
    this.#findProtocol = findProtocol;
    this.#speed = speed;
  }

  /**
   * Reads and verifies a whole bundle. The caller keeps and closes the file. Rejects with GatewayError `store_damaged` if it does not hold, `malformed` or
   * `limit_exceeded`.
   */
  static async open(handle: FileHandle, options: RecordingOptions): Promise<Recording> {
    const file = await BundleFile.open(handle);
    const indexing = new Indexing(options.findProtocol);
    const records = file.verify(options.keys);
    for (;;) {
      const step = await records.next();
      if (step.done === true) {
        assertWhole(step.value);
        return new Recording(file, indexing, options);
      }
      indexing.add(step.value);
    }
  }

  /** Takes the next request with this key; each can be taken once. If `channel` is given, its requests are taken first. */
  take(target: string, key: RequestKey, channel: number | null): (RecordedRequest & { readonly channel: number }) | NoneWaiting {
    const { text, ids } = this.#tokens.name(key);
    const request = this.#waiting.take({ key: indexKey(target, text), ids, channel });
    return typeof request === 'string' ? request : { channel: request.channel, bytes: async () => this.#bytes(request), answer: () => this.#answer(request) };
  }

  /** Returns the different obligations that decisions on this action at this target had. */
  obligations(target: string, action: string): readonly Obligation[] {
    return [...(this.#obligations.get(actionKey(target, action))?.values() ?? [])];
  }

  /** True if this channel has a request with this key that was not taken. */
  isWaiting(target: string, key: RequestKey, channel: number): boolean {
    return this.#waiting.has(indexKey(target, this.#tokens.name(key).text), channel);
  }

  /**
   * Finds the recorded request of this target that is most similar to one whose key was not found; of several the latest. Null if there is none. Rejects with
   * GatewayError `store_damaged`.
   */
  async nearest(target: TargetFacts, asked: RequestKey): Promise<Nearest | null> {
    const replay = this.#findProtocol(target.protocol)?.replay;
    if (replay === undefined) {
      return null;
    }
    let nearest: Nearest | null = null;
    // The key of a request may depend on the requests before it in its channel.
    const channels = new Map<number, Keys>();
    for (const request of latestOf(this.#requests.get(target.name) ?? [])) {
      const keys = channels.get(request.channel) ?? replay.keys();
      channels.set(request.channel, keys);
      const key = keys({ action: request.action, bytes: await this.#bytes(request) });
      const difference = key === null ? null : replay.differ(this.#tokens.name(key).text, this.#tokens.name(asked).text);
      if (difference !== null && (nearest === null || difference.nearness >= nearest.difference.nearness)) {
        nearest = { seq: request.seq, difference };
      }
    }
    return nearest;
  }

  async #bytes({ parts }: IndexedRequest): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (const at of parts) {
      pieces.push(await this.#content(at));
    }
    return Buffer.concat(pieces);
  }

  async *#answer({ answers, askedMs }: IndexedRequest): AsyncGenerator<AnswerPiece, void> {
    const startedMs = performance.now();
    for (const at of answers) {
      const { timeMs, meta, content, continues, withheld } = await this.#file.read(at);
      if (withheld !== null) {
        return;
      }
      if (this.#speed !== null) {
        const waitMs = startedMs + (timeMs - askedMs) / this.#speed - performance.now();
        // This timer does not keep the process alive; the client that waits does.
        await delay(Math.max(0, Math.min(waitMsMax, waitMs)), undefined, { ref: false });
      }
      yield { content: content ?? Buffer.alloc(0), attributes: meta?.attributes ?? {}, isAnswer: meta?.request !== undefined, continues };
    }
  }

  async #content(at: LineExtent): Promise<Buffer> {
    return (await this.#file.read(at)).content ?? Buffer.alloc(0);
  }
}

/** Returns the last requests that together have at most `comparedBytesMax` bytes, in order. */
function latestOf(requests: readonly IndexedRequest[]): readonly IndexedRequest[] {
  let bytes = 0;
  const before = requests.findLastIndex(({ parts }) => {
    bytes += parts.reduce((sum, { length }) => sum + length, 0);
    return bytes > comparedBytesMax;
  });
  return requests.slice(before + 1);
}

function assertWhole({ extent }: FileReport): void {
  if (extent === 'records') {
    throw new GatewayError('unsupported', 'This bundle is a selection of records: a whole session is needed.');
  }
}

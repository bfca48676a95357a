import { GatewayError } from '../domain/errors.ts';
import { Grant } from '../domain/grant.ts';
import type { Receiver } from '../domain/byte-stream.ts';
import type { Channel, RequestOutcome, RequestRelation } from '../domain/channel.ts';
import type { Client } from '../domain/client.ts';
import type { Upstream } from '../domain/upstream.ts';
import { pause, type CloseOutput, type Output, type Relay, type RequestOutput, type ResponseOutput } from './relay.ts';

/** Most bytes that are recorded in one turn of the event loop. */
const turnBytesMax = 1024 * 1024;
/** After a failure, the last words to a client wait at most this long for the journal. */
const lastWordsMs = 1_000;

/** The parts of a client's connection, and of that to the target, that a relay needs. */
export type RelayedClient = Pick<Client, 'flow' | 'pause' | 'resume' | 'queuedBytes' | 'cork' | 'uncork' | 'write' | 'end' | 'destroy' | 'closed'>;
export type RelayedTarget = Pick<Upstream, 'flow' | 'pause' | 'resume' | 'queuedBytes' | 'cork' | 'uncork' | 'forward' | 'end' | 'destroy'>;

/**
 * Executes the outputs of a relay until the conversation is over: it records, waits for the commit, then forwards and releases. All protocols whose streams are
 * decoded share this loop. Resolves when the channel is closed in the record and the client's socket is closed. Never rejects with a GatewayError: any other
 * error is a broken invariant, which cuts both sides and rejects.
 */
export function runRelay(client: RelayedClient, upstream: RelayedTarget, channel: Channel, relay: Relay): Promise<void> {
  return new RelayLoop({ client, upstream, channel, relay }).run();
}

interface Parties {
  readonly client: RelayedClient;
  readonly upstream: RelayedTarget;
  readonly channel: Channel;
  readonly relay: Relay;
}

/** Something that waits for its commit: a grant to forward, bytes to release, or the end. */
type Held = Grant | ResponseOutput | CloseOutput;

class RelayLoop {
  readonly #client: RelayedClient;
  readonly #upstream: RelayedTarget;
  readonly #channel: Channel;
  readonly #relay: Relay;
  readonly #queuedBytesMax: number;
  readonly #done = Promise.withResolvers<void>();

  /** The relation of a request without another: it lets the relay tell the client that the request waits. */
  readonly #plainRelation: RequestRelation = {
    onHeld: (notice) => {
      this.#relay.held?.(notice);
    },
  };
  /** The outputs that the current pump has recorded. All of them wait for one commit. */
  #batch: Held[] = [];
  #batchBytes = 0;
  /** Number of bytes, of both directions, that are recorded and not yet committed. */
  #uncommittedBytes = 0;
  #isDeciding = false;
  /** Pulls the relay in the next turn of the event loop. Null: it has given all its outputs. */
  #more: NodeJS.Immediate | null = null;
  #isClientPaused = false;
  #isUpstreamPaused = false;

  /** The error that the relay was told to fail with. From then on, all its outputs are the gateway's own words. */
  #failure: GatewayError | null = null;
  /** Last words to the client that could not be recorded. */
  readonly #lastWords: Uint8Array[] = [];
  /** True when no more bytes are taken from either side, because the relay failed or has closed. */
  #isDeaf = false;
  #hasClosed = false;
  #isOver = false;
  #idleTimer: NodeJS.Timeout | undefined;
  #lastWordsTimer: NodeJS.Timeout | undefined;

  constructor({ client, upstream, channel, relay }: Parties) {
    this.#client = client;
    this.#upstream = upstream;
    this.#channel = channel;
    this.#relay = relay;
    this.#queuedBytesMax = channel.limits.queuedBytesMax;
  }

  run(): Promise<void> {
    const { signal, limits } = this.#channel;
    if (limits.idleMs > 0) {
      this.#idleTimer = setTimeout(this.#onIdle, limits.idleMs);
    }
    signal.addEventListener('abort', this.#onAbort, { once: true });
    const relay = this.#relay;
    this.#upstream.flow(
      this.#receiver(
        (bytes) => {
          relay.upstreamBytes(bytes);
        },
        () => {
          relay.upstreamEnded();
        },
      ),
    );
    this.#client.flow(
      this.#receiver(
        (bytes) => {
          relay.clientBytes(bytes);
        },
        () => {
          relay.clientEnded();
        },
      ),
    );
    if (signal.aborted) {
      this.#onAbort();
    }
    return this.#done.promise;
  }

  #receiver(take: (bytes: Buffer) => void, end: () => void): Receiver {
    return {
      onBytes: (bytes) => {
        if (this.#isDeaf) {
          return;
        }
        this.#idleTimer?.refresh();
        try {
          take(bytes);
          this.#pump();
        } catch (error) {
          this.#stumble(error);
        }
      },
      onEnd: () => {
        if (this.#isDeaf) {
          return;
        }
        try {
          end();
          this.#pump();
        } catch (error) {
          this.#stumble(error);
        }
      },
      onDrain: this.#balance,
    };
  }

  /**
   * Executes all outputs that the relay has now. If they are many, or take the relay long, this takes several turns of the event loop, and meanwhile nothing is read
   * from either side.
   */
  #pump(): void {
    this.#pullNoMore();
    while (!this.#hasClosed) {
      const output = this.#batchBytes >= turnBytesMax ? pause : this.#relay.next();
      if (output === null) {
        break;
      }
      if (output.type === 'pause') {
        this.#more = setImmediate(this.#pumpMore);
        break;
      }
      this.#execute(output);
    }
    this.#commit();
    this.#balance();
  }

  #pullNoMore(): void {
    if (this.#more !== null) {
      clearImmediate(this.#more);
      this.#more = null;
    }
  }

  readonly #pumpMore = (): void => {
    this.#idleTimer?.refresh();
    try {
      this.#pump();
    } catch (error) {
      this.#stumble(error);
    }
  };

  #execute(output: Output): void {
    switch (output.type) {
      case 'request': {
        if (output.reading !== undefined) {
          void this.#read(output.reading);
          break;
        }
        if (output.refused !== undefined) {
          this.#refuse(output, output.refused);
          break;
        }
        const { change } = output;
        const wanted = change === undefined ? null : this.#channel.requestChange(output.action, output.bytes);
        if (change !== undefined && wanted !== null) {
          const changed = change(wanted);
          if (changed !== null) {
            this.#execute(changed);
          }
          break;
        }
        const outcome = this.#channel.request(output.action, output.bytes, this.#relationOf(output));
        if (outcome instanceof Promise) {
          void this.#await(outcome, output);
        } else {
          this.#settle(outcome, output);
        }
        break;
      }
      case 'response':
        if (this.#failure === null) {
          if (output.given !== undefined) {
            this.#channel.give(output.given);
          }
          this.#channel.record('response', output.meta, output.bytes, output.continues);
          if (output.isEnd === true && output.meta.request !== undefined) {
            this.#channel.answered(output.meta.request);
          }
          this.#hold(output, output.bytes);
        } else {
          this.#sayLast(output);
        }
        break;
      case 'close':
        this.#hasClosed = true;
        this.#isDeaf = true;
        this.#hold(output, []);
        break;
      default:
        output satisfies never;
    }
  }

  /** Waits until a long request is read, then executes it. Meanwhile nothing more is read from the client. */
  async #read(pending: Promise<RequestOutput>): Promise<void> {
    this.#isDeciding = true;
    try {
      const output = await pending.finally(() => {
        this.#isDeciding = false;
      });
      if (!this.#isDeaf) {
        this.#idleTimer?.refresh();
        this.#execute(output);
        this.#pump();
      }
    } catch (error) {
      this.#stumble(error);
    }
  }

  /** Records a request as denied. */
  #refuse({ action, bytes, relation }: RequestOutput, reason: string): void {
    const { name, attributes } = action;
    const meta = { action: name, verdict: 'deny', reason, attributes, ...(relation?.partOf === undefined ? {} : { request: relation.partOf }) } as const;
    const seq = this.#channel.record('request', meta, bytes);
    this.#relay.decided({ verdict: 'deny', policies: ['countersign'], policyVersion: '', reason, obligations: [] }, seq);
  }

  #relationOf(output: RequestOutput): RequestRelation {
    const { relation, byGateway } = output;
    return relation === undefined && byGateway !== true ? this.#plainRelation : { ...relation, ...this.#plainRelation, byGateway: byGateway === true };
  }

  /** Waits until a held request is decided. Meanwhile nothing more is read from the client; bytes of the target are relayed. */
  async #await(pending: Promise<RequestOutcome>, output: RequestOutput): Promise<void> {
    this.#isDeciding = true;
    try {
      const outcome = await pending.finally(() => {
        this.#isDeciding = false;
      });
      if (!this.#isDeaf) {
        this.#idleTimer?.refresh();
        this.#settle(outcome, output);
        this.#pump();
      }
    } catch (error) {
      this.#stumble(error);
    }
  }

  #settle(outcome: RequestOutcome, output: RequestOutput): void {
    // The session may have ended during the decision. Then nothing more is forwarded.
    if (this.#hasClosed) {
      return;
    }
    if (outcome.grant !== null) {
      this.#hold(outcome.grant, output.bytes);
    }
    this.#relay.decided(outcome.decision, outcome.seq, outcome.changes);
  }

  #hold(held: Held, bytes: readonly Uint8Array[]): void {
    this.#batch.push(held);
    for (const piece of bytes) {
      this.#batchBytes += piece.length;
    }
  }

  #commit(): void {
    const batch = this.#batch;
    const bytes = this.#batchBytes;
    if (batch.length === 0) {
      return;
    }
    this.#batch = [];
    this.#batchBytes = 0;
    this.#uncommittedBytes += bytes;
    this.#channel.whenCommitted(() => {
      this.#uncommittedBytes -= bytes;
      this.#release(batch);
    });
  }

  #release(batch: readonly Held[]): void {
    if (this.#isOver) {
      return;
    }
    try {
      const [only] = batch;
      if (batch.length === 1 && only !== undefined && isOnePiece(only)) {
        this.#releaseOne(only);
      } else {
        this.#client.cork();
        this.#upstream.cork();
        for (const held of batch) {
          this.#releaseOne(held);
        }
        this.#client.uncork();
        this.#upstream.uncork();
      }
      this.#balance();
    } catch (error) {
      this.#stumble(error);
    }
  }

  #releaseOne(held: Held): void {
    if (held instanceof Grant) {
      this.#upstream.forward(held);
    } else if (held.type === 'response') {
      this.#tell(held.bytes);
    } else {
      this.#finish(held.reason, held.error);
    }
  }

  #tell(bytes: readonly Uint8Array[]): void {
    for (const piece of bytes) {
      this.#client.write(piece);
    }
  }

  /**
   * Pauses and resumes reading, so that a side is read only while its earlier bytes move on. The target is read even if it does not take bytes: it may be
   * waiting until the gateway takes its answer.
   */
  readonly #balance = (): void => {
    if (this.#isOver) {
      return;
    }
    const max = this.#queuedBytesMax;
    const isFull = this.#more !== null || this.#uncommittedBytes > max || this.#client.queuedBytes > max;
    if (isFull !== this.#isUpstreamPaused) {
      this.#isUpstreamPaused = isFull;
      setPaused(this.#upstream, isFull);
    }
    const mustClientWait = isFull || this.#isDeciding || this.#relay.isFull || this.#upstream.queuedBytes > max;
    if (mustClientWait !== this.#isClientPaused) {
      this.#isClientPaused = mustClientWait;
      setPaused(this.#client, mustClientWait);
    }
  };

  /** Handles an error. A GatewayError is told to the client; any other error is a broken invariant and cuts both sides. */
  #stumble(error: unknown): void {
    try {
      if (error instanceof GatewayError) {
        this.#fail(error);
      } else {
        void this.#cut(error);
      }
    } catch (second) {
      void this.#cut(second);
    }
  }

  /** Tells the first failure. Outputs that the relay had not given before it are dropped, without being recorded or sent. */
  #fail(error: GatewayError): void {
    if (this.#isOver || this.#failure !== null) {
      return;
    }
    this.#failure = error;
    this.#isDeaf = true;
    this.#lastWordsTimer = setTimeout(() => {
      this.#finish(error.code, error);
    }, lastWordsMs);
    if (this.#hasClosed) {
      return;
    }
    for (let output = this.#relay.next(); output !== null && output.type !== 'pause'; output = this.#relay.next()) {
      // This output is dropped.
    }
    this.#relay.fail(error);
    this.#pump();
  }

  /**
   * Records and sends the gateway's own sentence about its failure. It is sent even if it cannot be recorded: it holds nothing of the target's, and without it
   * the client would not learn why it is cut off.
   */
  #sayLast(output: ResponseOutput): void {
    try {
      this.#channel.record('response', output.meta, output.bytes, output.continues);
      this.#hold(output, output.bytes);
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      this.#lastWords.push(...output.bytes);
    }
  }

  /** Ends both sides. Outputs that still wait for a commit are not sent. */
  #finish(reason: string, error?: GatewayError): void {
    if (this.#isOver) {
      return;
    }
    this.#end();
    this.#tell(this.#lastWords);
    this.#client.end();
    this.#upstream.end();
    void this.#conclude(reason, error);
  }

  async #conclude(reason: string, error?: GatewayError): Promise<void> {
    try {
      await this.#channel.close(reason, error);
    } catch (failure) {
      // A channel that cannot be closed in the record now is closed there by the recovery of the next start.
      if (!(failure instanceof GatewayError)) {
        this.#done.reject(failure);
      }
    }
    await this.#client.closed;
    this.#done.resolve();
  }

  async #cut(error: unknown): Promise<void> {
    this.#end();
    this.#client.destroy();
    this.#upstream.destroy();
    try {
      await this.#channel.close('error');
    } catch {
      // The first error is the one to report.
    }
    this.#done.reject(error);
  }

  #end(): void {
    this.#isOver = true;
    this.#isDeaf = true;
    this.#pullNoMore();
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#lastWordsTimer);
    this.#channel.signal.removeEventListener('abort', this.#onAbort);
  }

  readonly #onAbort = (): void => {
    this.#stumble(this.#channel.signal.reason);
  };

  readonly #onIdle = (): void => {
    if (this.#isDeciding) {
      this.#idleTimer?.refresh();
    } else {
      this.#stumble(new GatewayError('deadline_exceeded', `The connection was idle for ${this.#channel.limits.idleMs / 1000} s.`));
    }
  };
}

function setPaused(stream: RelayedClient | RelayedTarget, isPaused: boolean): void {
  if (isPaused) {
    stream.pause();
  } else {
    stream.resume();
  }
}

/** True for what is written at once. Bytes of more pieces are written together, or each of them would be a system call. */
function isOnePiece(held: Held): boolean {
  return held instanceof Grant || held.type !== 'response' || held.bytes.length === 1;
}

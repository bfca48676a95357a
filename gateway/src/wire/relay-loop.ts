import { GatewayError } from '../domain/errors.ts';
import type { Grant } from '../domain/grant.ts';
import type { Client, RequestOutcome, Session, Upstream } from '../domain/protocol.ts';
import type { Output, Relay, RequestOutput } from './relay.ts';

/** What waits for the journal, in order. */
type Release = { readonly grant: Grant } | { readonly toClient: readonly Uint8Array[] } | { readonly close: true };

/**
 * Executes the outputs of a relay until the conversation is over: records, awaits the commit, then forwards and releases. The one loop of all
 * protocols that are decoded. Never rejects with a GatewayError; any other error is a broken invariant, and cuts both sides.
 */
export function runRelay(client: Client, upstream: Upstream, session: Session, relay: Relay): Promise<void> {
  return new Promise((resolve, reject) => {
    new RelayLoop({ client, upstream, session, relay, resolve, reject }).start();
  });
}

interface Parties {
  readonly client: Client;
  readonly upstream: Upstream;
  readonly session: Session;
  readonly relay: Relay;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class RelayLoop {
  readonly #parties: Parties;
  readonly #queuedBytesMax: number;
  /** Bytes recorded or about to be, not yet released. */
  #uncommittedBytes = 0;
  #deciding = false;
  #closing = false;
  #finished = false;
  #clientPaused = false;
  #upstreamPaused = false;
  #closeReason = 'client';
  #closeError: GatewayError | undefined;
  #idleTimer: NodeJS.Timeout | null = null;

  constructor(parties: Parties) {
    this.#parties = parties;
    this.#queuedBytesMax = parties.session.limits.queuedBytesMax;
  }

  start(): void {
    const { client, upstream, session, relay } = this.#parties;
    if (session.limits.idleMs > 0) {
      this.#idleTimer = setTimeout(() => {
        this.#fail(new GatewayError('deadline_exceeded', 'Nothing was said for too long.'));
      }, session.limits.idleMs);
    }
    session.signal.addEventListener('abort', this.#abort, { once: true });
    const receiver = (take: (bytes: Buffer) => void, ended: () => void) => ({
      onBytes: (bytes: Buffer) => {
        this.#idleTimer?.refresh();
        this.#run(() => {
          take(bytes);
        });
      },
      onEnd: () => {
        this.#run(ended);
      },
      onDrain: () => {
        this.#balance();
      },
    });
    // The target first: it may have said something already.
    upstream.flow(receiver((bytes) => { relay.upstreamBytes(bytes); }, () => { relay.upstreamEnded(); }));
    client.flow(receiver((bytes) => { relay.clientBytes(bytes); }, () => { relay.clientEnded(); }));
    if (session.signal.aborted) {
      this.#abort();
    }
  }

  readonly #abort = (): void => {
    const { reason } = this.#parties.session.signal;
    this.#fail(reason instanceof GatewayError ? reason : new GatewayError('stopping', 'The session was ended.'));
  };

  #fail(error: GatewayError): void {
    this.#run(() => {
      this.#parties.relay.fail(error);
    });
  }

  /** Gives the relay its input and executes what comes out. */
  #run(input: () => void): void {
    if (this.#closing) {
      return;
    }
    try {
      input();
      this.#pump();
    } catch (error) {
      if (error instanceof GatewayError) {
        this.#giveUp(error);
      } else {
        this.#cut(error);
      }
    }
  }

  #pump(): void {
    const { relay, session } = this.#parties;
    const releases: Release[] = [];
    let bytes = 0;
    for (let output = relay.next(); output !== null; output = relay.next()) {
      bytes += this.#execute(output, releases);
      if (this.#closing) {
        break;
      }
    }
    if (releases.length > 0) {
      this.#uncommittedBytes += bytes;
      session.whenCommitted(() => {
        this.#uncommittedBytes -= bytes;
        this.#release(releases);
      });
      this.#balance();
    }
  }

  /** Returns how many bytes now wait for the journal. */
  #execute(output: Output, releases: Release[]): number {
    const { session, relay } = this.#parties;
    if (output.type === 'request') {
      const outcome = session.request(output.action, output.bytes, relation(output));
      if (outcome instanceof Promise) {
        this.#await(outcome);
        return 0;
      }
      if (outcome.grant !== null) {
        releases.push({ grant: outcome.grant });
      }
      relay.decided(outcome.decision, outcome.seq);
      return outcome.grant === null ? 0 : lengthOf(output.bytes);
    }
    if (output.type === 'response') {
      session.record('response', output.meta, output.bytes, output.continues);
      releases.push({ toClient: output.bytes });
      return lengthOf(output.bytes);
    }
    this.#closing = true;
    this.#closeReason = output.reason;
    this.#closeError = output.error;
    releases.push({ close: true });
    return 0;
  }

  /** A held request: the client's bytes wait in the relay, the target's go on. */
  #await(pending: Promise<RequestOutcome>): void {
    const { relay, session } = this.#parties;
    this.#deciding = true;
    this.#balance();
    pending.then(
      (outcome) => {
        this.#deciding = false;
        this.#run(() => {
          const { grant } = outcome;
          if (grant !== null) {
            session.whenCommitted(() => {
              this.#release([{ grant }]);
            });
          }
          relay.decided(outcome.decision, outcome.seq);
        });
        this.#balance();
      },
      (error: unknown) => {
        this.#cut(error);
      },
    );
  }

  #release(releases: readonly Release[]): void {
    if (this.#finished) {
      return;
    }
    const { client, upstream } = this.#parties;
    const toClient: Uint8Array[] = [];
    for (const release of releases) {
      if ('grant' in release) {
        upstream.forward(release.grant);
      } else if ('toClient' in release) {
        toClient.push(...release.toClient);
      }
    }
    if (toClient.length > 0) {
      client.writeAll(toClient);
    }
    if (releases.at(-1) !== undefined && 'close' in (releases.at(-1) ?? {})) {
      this.#finish();
    }
    this.#balance();
  }

  /** Reads from a side only while what it leads to is within limits. */
  #balance(): void {
    const { client, upstream } = this.#parties;
    const full = this.#uncommittedBytes > this.#queuedBytesMax;
    const holdClient = full || this.#deciding || upstream.queuedBytes > this.#queuedBytesMax;
    const holdUpstream = full || client.queuedBytes > this.#queuedBytesMax;
    if (holdClient !== this.#clientPaused) {
      this.#clientPaused = holdClient;
      holdClient ? client.pause() : client.resume();
    }
    if (holdUpstream !== this.#upstreamPaused) {
      this.#upstreamPaused = holdUpstream;
      holdUpstream ? upstream.pause() : upstream.resume();
    }
  }

  /**
   * Something could not be recorded. The relay's last words to the client are the gateway's own sentence and hold nothing of the target's, so they
   * are said even when they cannot be recorded either; nothing else moves.
   */
  #giveUp(error: GatewayError): void {
    const { relay, client } = this.#parties;
    this.#closing = true;
    this.#closeReason = 'error';
    this.#closeError = error;
    try {
      relay.fail(error);
      for (let output = relay.next(); output !== null; output = relay.next()) {
        if (output.type === 'response') {
          client.writeAll(output.bytes);
        } else if (output.type === 'close') {
          break;
        }
      }
      this.#finish();
    } catch (broken) {
      this.#cut(broken);
    }
  }

  #finish(): void {
    if (this.#finished) {
      return;
    }
    this.#finished = true;
    const { client, upstream, session, resolve, reject } = this.#parties;
    this.#stopTimers();
    client.end();
    upstream.end();
    session.close(this.#closeReason, this.#closeError).then(resolve, reject);
  }

  #cut(error: unknown): void {
    this.#closing = true;
    if (this.#finished) {
      return;
    }
    this.#finished = true;
    const { client, upstream, session, reject } = this.#parties;
    this.#stopTimers();
    client.destroy();
    upstream.destroy();
    session.close('error').then(
      () => {
        reject(error);
      },
      () => {
        reject(error);
      },
    );
  }

  #stopTimers(): void {
    if (this.#idleTimer !== null) {
      clearTimeout(this.#idleTimer);
    }
    this.#parties.session.signal.removeEventListener('abort', this.#abort);
  }
}

function relation(output: RequestOutput) {
  return output.byGateway === true ? { ...output.relation, byGateway: true } : output.relation;
}

function lengthOf(pieces: readonly Uint8Array[]): number {
  let bytes = 0;
  for (const piece of pieces) {
    bytes += piece.length;
  }
  return bytes;
}

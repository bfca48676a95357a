import type { TextChange } from '../../domain/text-change.ts';
import type { Unit } from './client-units.ts';
import { transaction } from './messages.ts';
import { deallocatedName, Names, type Undo } from './names.ts';

/** The limit of requests that wait for their answers: a client that pipelines more waits, and costs no memory here. */
const exchangesMax = 10_000;

/** One forwarded request, and what the target must still answer to it. */
export interface Exchange {
  /** The request record that is answered. */
  readonly seq: number;
  readonly kind: Unit['kind'];
  readonly startedMs: number;
  /** Completions still to come, ReadyForQuery aside. */
  steps: number;
  done: number;
  /** A ReadyForQuery is to come. */
  ready: boolean;
  readonly undos: readonly Undo[];
  sqlState: string | null;
  /** Takes the place of the error that the target will answer with: the client's statement was refused, and this request only makes the target fail too. */
  refusal: Buffer | null;
  /** Read and dropped by the target, because something before it failed. */
  skipped: boolean;
  /** The one prepared statement that this request does away with in SQL. */
  readonly deallocates: string | null;
  /** The changes that the texts of its answer go through. */
  readonly changes: readonly TextChange[];
  readonly endsCopy: boolean;
}

/**
 * The state between client and target: which requests wait for their answers, in which state the target's transaction is, what names mean.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class Conversation {
  readonly names = new Names();
  readonly #waiting: Exchange[] = [];
  /** The transaction state in the target's last ReadyForQuery. */
  status: number;
  /** Extended-protocol messages went out that no Sync has followed: the target may keep its answers to itself. */
  isUnsynced = false;
  /** The target drops everything until the next Sync. */
  #skipping = false;
  /** The target reads COPY data; the client has not ended them. */
  #copyIn = false;
  /** The request that began the last COPY FROM STDIN. */
  #copySeq: number | undefined;
  /** The target has said why it ends the connection. */
  isLost = false;
  /** The changes of texts of the last request that had some. */
  newestChanges: readonly TextChange[] = [];

  constructor(status: number) {
    this.status = status;
  }

  get current(): Exchange | undefined {
    return this.#waiting[0];
  }

  get isFull(): boolean {
    return this.#waiting.length >= exchangesMax;
  }

  /** Nothing is under way and no transaction is open: a refusal concerns the gateway and the client only. */
  get isQuiet(): boolean {
    return this.#waiting.length === 0 && this.status === transaction.idle && !this.isUnsynced;
  }

  /** The statement that COPY data belongs to. */
  get copySeq(): number | undefined {
    return this.#copyIn ? this.#copySeq : (this.#waiting.findLast((exchange) => exchange.kind !== 'copy')?.seq ?? this.#copySeq);
  }

  /** A unit went out and is to be answered. `seq`: the request its answer belongs to. */
  sent(unit: Unit, sent: { readonly seq: number; readonly nowMs: number; readonly refusal: Buffer | null; readonly changes: readonly TextChange[] }): void {
    const { seq, nowMs, refusal, changes } = sent;
    const isExtended = unit.kind === 'execute' || unit.kind === 'prepare';
    const isBareEnd = isExtended && unit.steps === 0;
    const skipped = this.#skipping && unit.kind !== 'copy' && !isBareEnd;
    if (unit.kind === 'query') {
      this.names.queried();
    }
    const exchange: Exchange = {
      seq,
      kind: unit.kind,
      startedMs: nowMs,
      steps: skipped ? 0 : unit.steps,
      done: 0,
      // Within COPY data the target overlooks a Sync.
      ready: isExtended ? unit.sync && !this.#copyIn : unit.kind !== 'copy' && !skipped,
      undos: skipped ? [] : this.names.apply(unit.changes, seq),
      sqlState: null,
      refusal,
      skipped,
      deallocates: unit.kind === 'query' ? deallocatedName(unit.bytes) : null,
      endsCopy: unit.ends,
      changes,
    };
    this.newestChanges = changes.length > 0 ? changes : this.newestChanges;
    this.#note(unit, isExtended);
    if (unit.kind !== 'copy' || this.#waiting.length > 0) {
      this.#push(exchange);
    }
  }

  #note(unit: Unit, isExtended: boolean): void {
    if (isExtended) {
      const isSynced = unit.sync && !this.#copyIn;
      this.isUnsynced = !isSynced;
      this.#skipping &&= !isSynced;
    } else if (unit.kind === 'copy') {
      this.#copyIn &&= !unit.ends;
    } else if (!this.#skipping) {
      this.isUnsynced = false;
    }
  }

  /** Many pieces of COPY data wait as one. */
  #push(exchange: Exchange): void {
    const last = this.#waiting.at(-1);
    if (exchange.kind === 'copy' && last?.kind === 'copy' && last.endsCopy === exchange.endsCopy) {
      return;
    }
    this.#waiting.push(exchange);
  }

  /** The next exchange whose answer is complete, taken off; null when the first one goes on. */
  takeComplete(): Exchange | null {
    const [first] = this.#waiting;
    if (first === undefined || first.steps > 0 || first.ready) {
      return null;
    }
    this.#waiting.shift();
    return first;
  }

  /** A message that completes one step of an extended-protocol request. */
  completedStep(): void {
    const { current } = this;
    if (current !== undefined && current.steps > 0) {
      current.steps -= 1;
      current.done += 1;
    }
  }

  commandCompleted(tag: string): void {
    this.names.commandCompleted(tag, this.current?.deallocates ?? null);
    this.completedStep();
  }

  failed(sqlState: string | null): void {
    const { current } = this;
    this.#copyIn = false;
    if (current === undefined) {
      return;
    }
    current.sqlState = sqlState;
    if (current.kind === 'execute' || current.kind === 'prepare') {
      this.#skipToSync();
    }
  }

  /** The target drops what was sent until a Sync: those requests are answered by nothing, and what they were to do to names did not happen. */
  #skipToSync(): void {
    const undone: Undo[] = [];
    let isSynced = false;
    for (const [i, exchange] of this.#waiting.entries()) {
      undone.push(...exchange.undos.filter((undo) => undo.step >= exchange.done));
      exchange.skipped = i > 0 && exchange.kind !== 'copy' && (exchange.steps > 0 || exchange.kind === 'query' || exchange.kind === 'call');
      exchange.steps = 0;
      if (exchange.kind === 'query' || exchange.kind === 'call') {
        exchange.ready = false;
      } else if (exchange.ready) {
        isSynced = true;
        break;
      }
    }
    for (const undo of undone.toReversed()) {
      undo.restore();
    }
    this.#skipping = !isSynced;
  }

  /** ReadyForQuery: everything up to the first request that waited for one is answered. */
  ready(status: number): void {
    this.status = status;
    this.#skipping = false;
    if (status === transaction.idle) {
      this.names.transactionEnded();
    }
    for (const exchange of this.#waiting) {
      exchange.steps = 0;
      if (exchange.ready) {
        exchange.ready = false;
        break;
      }
    }
  }

  /** The target waits for COPY data: what it reads until their end, it reads as such. A Sync among it is overlooked. */
  copyInStarted(): void {
    const { current } = this;
    if (current === undefined) {
      return;
    }
    this.#copySeq = current.seq;
    this.#copyIn = true;
    for (const exchange of this.#waiting) {
      if (exchange.kind === 'copy' && exchange.endsCopy) {
        this.#copyIn = false;
        return;
      }
      if (exchange.ready && (exchange.kind === 'execute' || exchange.kind === 'prepare')) {
        exchange.ready = false;
        this.isUnsynced = true;
      }
    }
  }

  /** The answer to a refused piece of COPY data comes as the answer to its statement. */
  refuseCopy(refusal: Buffer): void {
    const { current } = this;
    if (this.#copyIn && current !== undefined) {
      current.refusal = refusal;
    }
    this.#copyIn = false;
  }
}

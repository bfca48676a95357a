import type { TextChange } from '../../domain/text-change.ts';
import { messagesOf, type Unit } from './client-units.ts';
import { noSources, union, type Sources } from './guard/rowset.ts';
import { frontend, transaction } from './messages.ts';
import { deallocatedName, Names, type Undo } from './names.ts';
import { UnitResults, type UnitLineage } from './unit-results.ts';

/** Most requests that wait for their answers. A client that pipelines more has to wait and costs no memory here. */
const exchangesMax = 10_000;
/** Most channels that are remembered. Any other one is masked where its name may be a value. */
const channelsMax = 1_000;
/** Matches a LISTEN with the name of its channel, in quotation marks or without. */
const listen = /\blisten\s+(?:"((?:[^"]|"")+)"|([\w$\u{80}-\u{10ffff}]+))/giu;

/** One forwarded request, and the answers that the target still owes to it. */
export interface Exchange {
  /** The sequence number of the request's record. */
  readonly seq: number;
  readonly kind: Unit['kind'];
  readonly startedMs: number;
  /** Number of completions that have not come yet, without ReadyForQuery. */
  steps: number;
  done: number;
  /** True if a ReadyForQuery has not come yet. */
  ready: boolean;
  readonly undos: readonly Undo[];
  sqlState: string | null;
  /** Replaces the error with which the target will answer: the client's statement was refused, and this request only makes the target fail too. */
  refusal: Buffer | null;
  /** True if the target reads and drops the request, because an earlier one failed. */
  skipped: boolean;
  /** The prepared statement that this request deallocates with SQL. */
  readonly deallocates: string | null;
  /** The changes to make in the texts of its answer. */
  readonly changes: readonly TextChange[];
  /** The columns of its results. Null: nothing in its answer is changed. */
  readonly results: UnitResults | null;
  readonly endsCopy: boolean;
  /** Called once with the number of completions that came, when the answer is complete; that of a query that succeeded is 1. */
  readonly settle: ((done: number) => void) | null;
}

/** The columns whose values errors and notices may hold. */
interface Said {
  readonly sources: Sources;
  /** True if code of somebody's own may have written them. */
  readonly isOfCode: boolean;
}

const nothingSaid: Said = { sources: noSources, isOfCode: false };

/**
 * The state between client and target: the requests that wait for their answers, the target's transaction, and the meaning of names.
 * https://www.postgresql.org/docs/current/protocol-flow.html
 */
export class Conversation {
  readonly names = new Names();
  readonly #waiting: Exchange[] = [];
  /** The transaction state in the target's last ReadyForQuery. */
  status: number;
  /** True if extended-protocol messages were sent without a Sync after them. The target may then hold its answers back. */
  isUnsynced = false;
  /** True while the target drops everything until the next Sync. */
  #skipping = false;
  /** True while the target reads COPY data that the client has not ended. */
  #copyIn = false;
  /** The sequence number of the request that began the last COPY FROM STDIN. */
  #copySeq: number | undefined;
  /** True if the target has told why it ends the connection. */
  isLost = false;
  /** The changes of texts of the last request that had some. */
  newestChanges: readonly TextChange[] = [];
  /** The columns whose values errors and notices may hold: those of all statements of the transaction, because code may run at its end. */
  said: Said = nothingSaid;
  /** The channels that the client itself has named in a LISTEN, while it mattered where values come from. */
  readonly channels = new Set<string>();

  constructor(status: number) {
    this.status = status;
  }

  get current(): Exchange | undefined {
    return this.#waiting[0];
  }

  get isFull(): boolean {
    return this.#waiting.length >= exchangesMax;
  }

  /** True if no request is open and no transaction either. A refusal then concerns only the gateway and the client. */
  get isQuiet(): boolean {
    return this.#waiting.length === 0 && this.status === transaction.idle && !this.isUnsynced;
  }

  /** True while the target reads COPY data. */
  get isCopyIn(): boolean {
    return this.#copyIn;
  }

  /** True if the target has answered all requests, and drops none of the next ones. */
  get isSettled(): boolean {
    return this.#waiting.length === 0 && !this.#skipping;
  }

  /** The sequence number of the statement to which COPY data belong. */
  get copySeq(): number | undefined {
    return this.#copyIn ? this.#copySeq : (this.#waiting.findLast((exchange) => exchange.kind !== 'copy')?.seq ?? this.#copySeq);
  }

  /** Notes that a unit was sent and must be answered. `seq` is the request to which its answer belongs. */
  sent(
    unit: Unit,
    sent: {
      readonly seq: number;
      readonly nowMs: number;
      readonly refusal: Buffer | null;
      readonly changes: readonly TextChange[];
      /** Where its results come from. Null: nothing changes or looks at them. */
      readonly lineage: UnitLineage | null;
      readonly settle: Exchange['settle'];
    },
  ): void {
    const { seq, nowMs, refusal, changes, lineage, settle } = sent;
    const isExtended = unit.kind === 'execute' || unit.kind === 'prepare';
    const isBareEnd = isExtended && unit.steps === 0;
    const skipped = this.#skipping && unit.kind !== 'copy' && !isBareEnd;
    if (unit.kind === 'query') {
      this.names.queried();
    }
    const undos = skipped ? [] : this.names.apply(unit, seq);
    const exchange: Exchange = {
      seq,
      kind: unit.kind,
      startedMs: nowMs,
      steps: skipped ? 0 : unit.steps,
      done: 0,
      // Within COPY data the target ignores a Sync.
      ready: isExtended ? unit.sync && !this.#copyIn : unit.kind !== 'copy' && !skipped,
      undos,
      sqlState: null,
      refusal,
      skipped,
      deallocates: unit.kind === 'query' ? deallocatedName(unit.bytes) : null,
      endsCopy: unit.ends,
      changes,
      results: changes.length === 0 || skipped ? null : new UnitResults(unit, this.names, lineage),
      settle,
    };
    this.newestChanges = changes.length > 0 ? changes : this.newestChanges;
    for (const { said, runsCode } of lineage?.statements ?? []) {
      this.said = { sources: union([this.said.sources, said]), isOfCode: this.said.isOfCode || runsCode };
    }
    if (lineage !== null) {
      this.#noteChannels(unit);
    }
    this.#note(unit, isExtended);
    if (unit.kind !== 'copy' || this.#waiting.length > 0) {
      this.#push(exchange);
    }
  }

  #noteChannels(unit: Unit): void {
    for (const message of unit.kind === 'copy' ? [] : messagesOf(unit.bytes)) {
      const isStatement = message[0] === frontend.parse || message[0] === frontend.query;
      for (const [, quoted, name = ''] of isStatement ? message.toString().matchAll(listen) : []) {
        if (this.channels.size < channelsMax) {
          this.channels.add(quoted === undefined ? name.toLowerCase() : quoted.replaceAll('""', '"'));
        }
      }
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

  /** Adds an exchange. Many pieces of COPY data count as one. */
  #push(exchange: Exchange): void {
    const last = this.#waiting.at(-1);
    if (exchange.kind === 'copy' && last?.kind === 'copy' && last.endsCopy === exchange.endsCopy) {
      return;
    }
    this.#waiting.push(exchange);
  }

  /** Removes and returns the next exchange whose answer is complete; null while the first one is not. */
  takeComplete(): Exchange | null {
    const [first] = this.#waiting;
    if (first === undefined || first.steps > 0 || first.ready) {
      return null;
    }
    this.#waiting.shift();
    first.settle?.(first.kind === 'query' && first.sqlState === null && !first.skipped ? 1 : first.done);
    return first;
  }

  /** Notes a message that completes one step of an extended-protocol request. */
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

  /** Skips what was sent before the next Sync, because the target drops it: these requests get no answer, and their changes to names did not happen. */
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

  /** Handles a ReadyForQuery: everything up to the first request that waited for one is answered. */
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
    if (status === transaction.idle && this.#waiting.length <= 1) {
      this.said = nothingSaid;
    }
  }

  /** Notes that the target waits for COPY data. It reads everything as COPY data until their end, and ignores a Sync among them. */
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

  /** Refuses a piece of COPY data. The client gets the refusal as the answer to the COPY statement. */
  refuseCopy(refusal: Buffer): void {
    const { current } = this;
    if (this.#copyIn && current !== undefined) {
      current.refusal = refusal;
    }
    this.#copyIn = false;
  }
}

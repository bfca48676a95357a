import { GatewayError } from '../../domain/errors.ts';
import type { Channel } from '../../domain/channel.ts';
import { untilCommitted } from '../../wire/until-committed.ts';
import { simpleQuery, soleExecution } from './compose.ts';
import { readFirstColumns } from './first-columns.ts';
import { PacketReader } from './packet-reader.ts';
import { plannedRows } from './planned-rows.ts';
import type { PlannedStatement } from './request-facts.ts';
import { logIn } from './upstream.ts';

/** The longest time in ms that the target may take to answer, to plan, and to wait for locks. */
const answerMs = 5_000;
const planMs = 2_000;
const lockMs = 1_000;
/** Most bytes of the answer. */
const answerBytesMax = 256 * 1024;
/** Most questions to one database that wait for the one before. */
const waitingMax = 50;
/** The status in ReadyForQuery while a transaction is open. */
const inTransaction = 0x54;

/** A question to a target: how many rows a statement would change. */
export interface RowsQuestion {
  readonly database: string;
  readonly statement: PlannedStatement;
  /** Returns whether it is still sure, just before the target is asked, that planning the statement has no effect. */
  readonly isSure: () => boolean;
}

/** Asks targets for estimates: of each database one at a time, so that many held statements do not take many connections. */
export class TargetEstimates {
  /** The questions to each database that are not answered. */
  readonly #open = new Map<string, Promise<void>[]>();

  /** Resolves with null if there is no estimate. Never rejects with a GatewayError. */
  async ask(channel: Channel, question: RowsQuestion, signal: AbortSignal): Promise<number | null> {
    const { host, port, user } = channel.target;
    const key = JSON.stringify([host, port, user, question.database]);
    const open = this.#open.get(key) ?? [];
    if (open.length > waitingMax) {
      return null;
    }
    const before = open.at(-1);
    const { promise, resolve } = Promise.withResolvers<void>();
    open.push(promise);
    this.#open.set(key, open);
    try {
      await before;
      return signal.aborted ? null : await estimateRows(channel, question, signal);
    } finally {
      void open.shift();
      if (open.length === 0) {
        this.#open.delete(key);
      }
      resolve();
    }
  }
}

/** Asks over a connection of the gateway's own, with the credential and for the database of the channel, which may be closed by now. */
async function estimateRows(channel: Channel, question: RowsQuestion, signal: AbortSignal): Promise<number | null> {
  try {
    await untilCommitted(channel, signal);
    const settings = new Map([
      ['application_name', 'countersign'],
      ['client_encoding', 'UTF8'],
    ]);
    const { upstream } = await logIn(channel, { database: question.database, settings, signal });
    const giveUp = (): void => {
      upstream.destroy();
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      const deadlineMs = performance.now() + answerMs;
      const reader = new PacketReader(upstream, { messageBytesMax: answerBytesMax, totalBytesMax: answerBytesMax, deadlineMs });
      upstream.greet(simpleQuery(transactionFor(question.statement.path)));
      const begun = await readFirstColumns(reader, 0);
      if (begun?.status !== inTransaction || !question.isSure()) {
        return null;
      }
      // A Parse message holds one statement only: the target refuses a text that would be more.
      upstream.greet(soleExecution(`EXPLAIN (FORMAT JSON) ${question.statement.text}`, question.statement.bound));
      const [plan] = (await readFirstColumns(reader, 1))?.texts ?? [];
      return plan === undefined ? null : plannedRows(plan);
    } finally {
      signal.removeEventListener('abort', giveUp);
      upstream.destroy();
    }
  } catch (error) {
    if (error instanceof GatewayError || signal.aborted) {
      return null;
    }
    throw error;
  }
}

/** Begins a transaction that is never committed, and in which names mean what they mean in the session. Names in double quotes have no escapes but their own. */
function transactionFor(path: readonly string[]): string {
  const names = path.map((name) => `"${name.replaceAll('"', '""')}"`);
  return [
    'BEGIN READ ONLY',
    `SET LOCAL search_path = ${names.length === 0 ? "''" : names.join(', ')}`,
    'SET LOCAL standard_conforming_strings = on',
    `SET LOCAL statement_timeout = ${planMs}`,
    `SET LOCAL lock_timeout = ${lockMs}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${answerMs}`,
  ].join('; ');
}

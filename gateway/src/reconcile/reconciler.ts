import { setTimeout as delay } from 'node:timers/promises';
import { splitLines } from '@countersign/ledger/format';
import { wholeSight } from '../access/rights.ts';
import type { CountedRecord, Counting, RecordedCounts } from '../domain/counting.ts';
import { GatewayError } from '../domain/errors.ts';
import type { Limits } from '../domain/limits.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Target } from '../domain/target.ts';
import type { UsageSettings } from '../domain/usage-settings.ts';
import type { Reader } from '../reader/reader.ts';
import type { Recorder } from '../recording/recorder.ts';
import { printMeta } from '../sessions/meta.ts';
import type { SealedFile } from '../store/sealed-file.ts';
import { UpstreamConnection } from '../wire/upstream-connection.ts';
import { RecordedUsage } from './recorded-usage.ts';
import { dayOf, readUsageReport } from './usage-report.ts';
import { compareCounts, countedSince, type Comparison, type Difference } from './compare-counts.ts';

/** Most differences that are named. */
const namedMax = 50;
/** The longest time in ms until the index has what was recorded, and how often that is looked at. */
const indexMs = 30_000;
const lookMs = 50;
const dayMs = 86_400_000;
/** Reports of usage are complete after this time, and one comparison is of at most so many days. */
const lateMs = dayMs;
const daysMax = 31;
/** The life of counts that begin anew each day. */
const usageLife = 'days';
const lineBytesMax = 16 * 1024 * 1024;

/**
 * The state after a reading. `not counted`: how targets of this protocol count is not known. `base line`: there was no reading before. `not comparable`: the target forgot some of its
 * counts, so this is a new base line.
 */
type ReconcileState = 'not counted' | 'base line' | 'not comparable' | 'agrees' | 'differs';

/** The result of a comparison. */
export interface Reconciliation {
  readonly target: string;
  readonly state: ReconcileState;
  /** When the reading before was made, in Unix ms; null: there was none. */
  readonly sinceMs: number | null;
  /** Null: nothing was compared. */
  readonly comparison:
    | (Omit<Comparison, 'differences'> & { readonly differences: readonly (Difference & { readonly text: string })[]; readonly more: number })
    | null;
}

/** A record of an export. */
interface Row extends CountedRecord {
  readonly index: number;
  readonly time: string;
}

interface Compared {
  readonly result: Reconciliation;
  /** From here on the next comparison counts. */
  readonly reading: KeptReading;
}

/** Who has it compared. */
interface ReconcilingPerson {
  readonly id: string;
  readonly address: string;
}

/** The reading before, as it is kept. */
interface KeptReading {
  /** The records that came after it have this index or a greater one. */
  readonly index: number;
  readonly atMs: number;
  readonly life: string;
  readonly counts: readonly (readonly [string, number])[];
  readonly pending: readonly string[];
  /** The names of acts that were recorded while the target was read, so that they may be in its counts already. */
  readonly early: readonly string[];
}

export interface ReconcilerParts {
  readonly recorder: Recorder;
  readonly reader: Pick<Reader, 'export' | 'records'>;
  readonly countings: ReadonlyMap<string, Counting>;
  readonly targets: () => ReadonlyMap<string, Target>;
  /** Where providers report what they count, by the name of the target. */
  readonly usage: () => ReadonlyMap<string, UsageSettings>;
  readonly limits: Limits;
  /** Keeps the newest reading of each target. */
  readonly file: Pick<SealedFile, 'read' | 'write'>;
  readonly now: () => number;
  readonly signal: AbortSignal;
}

/** Compares what targets count themselves with what is recorded. One comparison runs at a time. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /**
   * Reads what a target counts, compares it with what was recorded since the reading before, and records what came of it. Rejects with GatewayError `unknown_target`,
   * `unsupported`, `catching_up`, `limit_exceeded`, `cannot_record`, and with those of a connection to the target.
   */
  async reconcile(name: string, by: ReconcilingPerson): Promise<Reconciliation> {
    const mine = this.#last.then(async () => this.#reconcile(name, by));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async #reconcile(name: string, by: ReconcilingPerson): Promise<Reconciliation> {
    const { countings, targets, usage } = this.#parts;
    const target = targets().get(name);
    if (target === undefined) {
      throw new GatewayError('unknown_target', `There is no target ${name}.`);
    }
    const counting = countings.get(target.protocol);
    const reported = usage().get(name);
    const kept = this.#read();
    const before = kept.get(name) ?? null;
    const compared =
      reported === undefined
        ? counting === undefined
          ? null
          : await this.#compareCounts(target, counting, before)
        : await this.#compareUsage(name, reported, before);
    if (compared === null) {
      return { target: name, state: 'not counted', sinceMs: null, comparison: null };
    }
    await this.#record(compared.result, by);
    kept.set(name, compared.reading);
    await this.#parts.file.write([...kept]);
    return compared.result;
  }

  /**
   * Compares the tokens that a provider reports with those of recorded answers, of whole days in UTC. The first of them is the day after the base line, and the last is the day before
   * yesterday, because reports come late.
   */
  async #compareUsage(target: string, settings: UsageSettings, before: KeptReading | null): Promise<Compared> {
    const { now, signal } = this.#parts;
    const today = Math.floor(now() / dayMs) * dayMs;
    const fromMs = before?.life === usageLife ? before.atMs : today + dayMs;
    const untilMs = Math.max(fromMs, Math.min(today - lateMs, fromMs + daysMax * dayMs));
    const reading: KeptReading = { index: 0, atMs: untilMs, life: usageLife, counts: [], pending: [], early: [] };
    const sinceMs = before === null ? null : fromMs;
    if (untilMs === fromMs) {
      return { reading, result: { target, state: 'base line', sinceMs, comparison: null } };
    }
    const counted = await readUsageReport(settings, { fromMs, untilMs, signal });
    const recorded = new RecordedUsage();
    const [from, until] = [dayOf(fromMs), dayOf(untilMs)];
    for await (const row of this.#rows(`target:${JSON.stringify(target)} kind:response since:${from}`, 0)) {
      recorded.add(row);
    }
    const differing = compareCounts(counted, { sure: recorded.between(from, until), maybe: new Map(), unnamed: 0 });
    const comparison = nameDifferences(differing, new Map(differing.differences.map(({ name }) => [name, `${name} tokens`])));
    return { reading, result: { target, state: differing.differences.length === 0 ? 'agrees' : 'differs', sinceMs, comparison } };
  }

  async #compareCounts(target: Target, counting: Counting, before: KeptReading | null): Promise<Compared> {
    const { recorder, limits, now, signal } = this.#parts;
    const { name } = target;
    const index = recorder.size;
    const atMs = now();
    const connect = async (ending = signal): Promise<UpstreamConnection> => UpstreamConnection.dial(target, { dialMs: limits.dialMs, signal: ending });
    const reading = await counting.read({ target, limits, signal, connect });
    const counted = before === null || before.life !== reading.life ? null : countedSince(new Map(before.counts), reading.counts);
    const recorded = await this.#count(name, counting, { before, index });
    const comparison = counted === null ? null : nameDifferences(compareCounts(counted, recorded), reading.texts);
    const state = before === null ? 'base line' : comparison === null ? 'not comparable' : comparison.differences.length === 0 ? 'agrees' : 'differs';
    return {
      result: { target: name, state, sinceMs: before?.atMs ?? null, comparison },
      reading: { index, atMs, life: reading.life, counts: [...reading.counts], pending: recorded.pending, early: recorded.early },
    };
  }

  #read(): Map<string, KeptReading> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only this class writes it, and it is sealed
    return new Map((this.#parts.file.read() ?? []) as readonly (readonly [string, KeptReading])[]);
  }

  /** Counts the records of a target since the reading before. Those from `index` on came while it was read, and may be in its counts or not: now, and at the next reading. */
  async #count(
    name: string,
    counting: Counting,
    { before, index }: { readonly before: KeptReading | null; readonly index: number },
  ): Promise<RecordedCounts & Pick<KeptReading, 'early'>> {
    const [usual, late] = [await counting.tally(before?.pending ?? []), await counting.tally([])];
    for await (const row of this.#rows(`target:${JSON.stringify(name)} kind:(request or response)`, before?.index ?? index)) {
      if (row.index < index || row.kind === 'response') {
        usual.add(row);
      }
      if (row.index >= index && row.kind === 'request') {
        late.add(row);
      }
    }
    const [counts, meanwhile] = [usual.finish(), late.finish()];
    const [sure, maybe] = [new Map(counts.sure), new Map(counts.maybe)];
    for (const each of meanwhile.pending) {
      maybe.set(each, (maybe.get(each) ?? 0) + 1);
    }
    for (const each of before?.early ?? []) {
      const certain = sure.get(each) ?? 0;
      if (certain > 0) {
        sure.set(each, certain - 1);
        maybe.set(each, (maybe.get(each) ?? 0) + 1);
      }
    }
    return { ...counts, sure, maybe, unnamed: counts.unnamed + meanwhile.unnamed, early: meanwhile.pending };
  }

  /** Yields the records for which a query holds, from an index of the log on, once all that was recorded can be found. Rejects with GatewayError `catching_up`. */
  async *#rows(query: string, from: number): AsyncGenerator<Row> {
    const { recorder, reader, now, signal } = this.#parts;
    const checkpoint = await recorder.publish();
    for (const startedMs = performance.now(); reader.records.size < checkpoint.size; await delay(lookMs)) {
      if (performance.now() - startedMs > indexMs) {
        throw new GatewayError('catching_up', 'The index of records does not have yet what is to be compared: ask again in a moment.');
      }
    }
    const wanted = { query, besides: [], nowMs: now(), checkpoint, from, follows: false, sight: wholeSight };
    for await (const line of splitLines(reader.export(wanted, 'rows', signal), lineBytesMax)) {
      yield parseRow(line);
    }
  }

  async #record({ target, state, sinceMs, comparison }: Reconciliation, { id, address }: ReconcilingPerson): Promise<void> {
    const { recorder } = this.#parts;
    const { counted = null, recorded = null } = comparison ?? {};
    recorder.append(recorder.own, {
      kind: 'reconcile',
      meta: JSON.stringify({ what: state, counted, recorded }),
      content: [Buffer.from(JSON.stringify({ by: id, address, target, since: sinceMs, comparison }))],
      contentIsFacts: true,
    });
    if (comparison !== null && state === 'differs') {
      const reason = `The target counts what is recorded otherwise: ${comparison.counted} counted, ${comparison.recorded} recorded, since ${new Date(sinceMs ?? 0).toISOString()}.`;
      const meta = printMeta(0, { action: 'gateway.find_difference', reason, attributes: { [ownAttributes.target]: target } });
      recorder.append(recorder.own, { kind: 'alert', meta, content: [] });
    }
    await new Promise<void>((resolve) => {
      recorder.whenCommitted('disk', resolve);
    });
  }
}

function nameDifferences({ differences, ...rest }: Comparison, texts: ReadonlyMap<string, string>): Reconciliation['comparison'] {
  const named = differences.slice(0, namedMax).map((each) => ({ ...each, text: texts.get(each.name) ?? '' }));
  return { ...rest, differences: named, more: differences.length - named.length };
}

function parseRow(line: Uint8Array): Row {
  const { record, session, seq, time, kind, action, verdict, attributes }: Omit<Row, 'index'> & { readonly record: string } = JSON.parse(
    Buffer.from(line).toString(),
  );
  return { index: Number(record.slice(record.lastIndexOf('/') + 1)), session, seq, time, kind, action, verdict, attributes };
}

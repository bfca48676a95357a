import type { Sight } from '../access/rights.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { both, isEverything, specialFields } from '../query/query.ts';
import { parseQuery } from '../query/parse-query.ts';
import { Turn } from '../recording/turn.ts';
import type { Block } from './block.ts';
import { blockCost, findRows } from './find-rows.ts';
import { withReach } from './pass.ts';
import { blockRowsMax, RowSet } from './row-set.ts';
import { levelOf, SessionActivity } from './session-activity.ts';
import { signQueries, type RecordSign } from './session-signs.ts';

/** The records of a session that show something. */
interface Shown {
  count: number;
  /** The index in the log of the first of them. */
  first: number;
}

/** The facts of a session as the index of records has them. */
export interface SessionMarks {
  /** How many of its records are in the index. */
  records: number;
  /** How many there are of each kind, also in people's words. */
  readonly counts: Map<string, number>;
  readonly onBehalfOf: Set<string>;
  readonly classes: Set<string>;
  readonly targets: Set<string>;
  readonly signs: Map<RecordSign, Shown>;
  /** The alerts that name records of it, each as the index of its own record. */
  readonly alerts: Set<number>;
  /** The index in the log of its first prompt, statement or call of a tool; null if it has none. */
  first: number | null;
  /** The index of the first of them that does not only set or begin something, as drivers do before their client asks; null if there is none. */
  title: number | null;
  /** Null: it was not asked for. */
  readonly activity: SessionActivity | null;
}

/** The records of which one gives a session its title, and those that are preferred for it. */
const firstQuery = parseQuery('kind:(prompt or statement or tool)', 0);
const titleQuery = parseQuery('kind:(prompt or statement or tool) not verb:(set or reset or show or begin or discard)', 0);

const alertQuery = parseQuery('kind:alert', 0);
const deniedQuery = parseQuery('kind:alert or verdict:deny', 0);
const heldQuery = parseQuery('verdict:hold', 0);

/** From the first to the last ms that counts. */
interface Times {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The alerts that name a record, by the record's index in the log. Each alert is the index of its own record. */
type Alerts = Map<number, Set<number>>;

/** Reads what the index knows of the records of sessions that are seen. `blocks` come the newest first; those from before the sessions, or from where none was open, are not looked into for more than alerts. Activity is counted if it is asked for, that of open sessions up to this time. */
export async function readMarks(
  blocks: Iterable<Block>,
  sessions: readonly IndexedSession[],
  sight: Sight,
  { activityToMs }: { readonly activityToMs: number | null } = { activityToMs: null },
): Promise<ReadonlyMap<string, SessionMarks>> {
  const marks = new Map<string, SessionMarks>(
    sessions.map(({ session, openedMs, closedMs }) => [
      session,
      {
        records: 0,
        counts: new Map(),
        onBehalfOf: new Set(),
        classes: new Set(),
        targets: new Set(),
        signs: new Map(),
        alerts: new Set(),
        first: null,
        title: null,
        activity: activityToMs === null ? null : new SessionActivity(openedMs, closedMs ?? activityToMs),
      },
    ]),
  );
  const turn = new Turn();
  const alerts: Alerts = new Map();
  const beginMs = sessions.reduce((first, { openedMs }) => Math.min(first, openedMs), Infinity);
  const waiting = withReach(blocks);
  // A block that was looked into is let go, with what was opened of it.
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { block, fromMs, toMs } = next;
    if (toMs >= beginMs) {
      // An alert comes after the records that it names.
      noteAlerts(block, alerts, sight);
      if (sessions.some(({ openedMs, closedMs }) => openedMs <= toMs && (closedMs ?? Infinity) >= fromMs)) {
        addMarks(block, marks, {
          sight,
          alerts,
          activity: activityToMs === null ? null : { fromMs: beginMs, toMs: Math.max(...sessions.map(({ closedMs }) => closedMs ?? Infinity)) },
        });
      }
      await turn.spend(blockCost);
    }
  }
  return marks;
}

function noteAlerts(block: Block, alerts: Alerts, { facts }: Sight): void {
  const seen = findRows(both([alertQuery, facts]), block, 'most');
  if (seen.isEmpty) {
    return;
  }
  for (const { value, rows } of block.valuesOf(ownAttributes.alertRecords)) {
    rows.keep(seen);
    const index = Number(value.slice(value.lastIndexOf('/') + 1));
    const known = alerts.get(index) ?? new Set<number>();
    for (const row of rows.newestFirst()) {
      known.add(block.first + row);
      alerts.set(index, known);
    }
  }
}

function addMarks(
  block: Block,
  marks: ReadonlyMap<string, SessionMarks>,
  { sight: { facts, content }, alerts, activity }: { readonly sight: Sight; readonly alerts: Alerts; readonly activity: Times | null },
): void {
  const seen = isEverything(facts) ? null : findRows(facts, block, 'most');
  const ofRow: (SessionMarks | undefined)[] = Array.from({ length: Math.min(blockRowsMax, block.next - block.first) });
  const wanted = new RowSet();
  for (const { value, rows } of block.valuesOf('session', (session) => marks.has(session))) {
    if (seen !== null) {
      rows.keep(seen);
    }
    wanted.addAll(rows);
    const own = marks.get(value);
    for (const row of rows.newestFirst()) {
      ofRow[row] = own;
      if (own !== undefined) {
        own.records += 1;
      }
    }
  }
  if (wanted.isEmpty) {
    return;
  }
  const each = (rows: RowSet, note: (own: SessionMarks, index: number) => void): void => {
    rows.keep(wanted);
    for (const row of rows.newestFirst()) {
      const own = ofRow[row];
      if (own !== undefined) {
        note(own, block.first + row);
      }
    }
  };
  for (const { value, rows } of block.valuesOf('kind')) {
    each(rows, ({ counts }) => counts.set(value, (counts.get(value) ?? 0) + 1));
  }
  for (const { value, rows } of block.valuesOf('on-behalf-of')) {
    each(rows, ({ onBehalfOf }) => onBehalfOf.add(value));
  }
  for (const { value, rows } of block.valuesOf('class')) {
    each(rows, ({ classes }) => classes.add(value));
  }
  for (const { value, rows } of seen === null ? [] : block.valuesOf('target')) {
    each(rows, ({ targets }) => targets.add(value));
  }
  for (const [sign, query] of signQueries) {
    each(findRows(query, block, 'most'), (own, index) => {
      addSign(own, sign, index);
    });
  }
  for (const [index, those] of alerts) {
    const own = wanted.has(index - block.first) ? ofRow[index - block.first] : undefined;
    if (own !== undefined) {
      for (const alert of those.difference(own.alerts)) {
        own.alerts.add(alert);
        addSign(own, 'alert', index);
      }
    }
  }
  each(findRows(both([firstQuery, content]), block, 'most'), (own, index) => {
    own.first = Math.min(own.first ?? Infinity, index);
  });
  each(findRows(both([titleQuery, content]), block, 'most'), (own, index) => {
    own.title = Math.min(own.title ?? Infinity, index);
  });
  if (activity !== null) {
    addActivity(block, ofRow, wanted, activity);
  }
}

/** Counts the wanted rows of each target in parts of the time of their session. */
function addActivity(block: Block, ofRow: readonly (SessionMarks | undefined)[], wanted: RowSet, { fromMs, toMs }: Times): void {
  const times = new Float64Array(ofRow.length);
  for (const { value, rows } of block.valuesOf(specialFields.time, (text) => Number(text) >= fromMs && Number(text) <= toMs)) {
    for (const row of rows.newestFirst()) {
      times[row] = Number(value);
    }
  }
  const [denied, held] = [deniedQuery, heldQuery].map((query) => findRows(query, block, 'most'));
  for (const { value, rows } of block.valuesOf('target')) {
    rows.keep(wanted);
    for (const row of rows.newestFirst()) {
      const level = denied?.has(row) === true ? levelOf.deny : held?.has(row) === true ? levelOf.hold : levelOf.allow;
      ofRow[row]?.activity?.add(value, times[row] ?? 0, level);
    }
  }
}

function addSign({ signs }: SessionMarks, sign: RecordSign, index: number): void {
  const shown = signs.get(sign) ?? { count: 0, first: index };
  signs.set(sign, { count: shown.count + 1, first: Math.min(shown.first, index) });
}

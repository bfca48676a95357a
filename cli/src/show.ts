import type { SessionSummary, ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { columns } from './rows.ts';
import { bold, dim, escapeControls } from './terminal.ts';

const kindMarks: Readonly<Record<string, string>> = { request: '→', response: '←', decision: '?', open: '+', close: '×', alert: '!', incident: '!' };
/** And what each is called. */
const shownAttributes = new Map([
  ['db.response.returned_rows', 'returned_rows'],
  ['db.response.status_code', 'status_code'],
  ['error.type', 'error'],
  ['gen_ai.tool.call.id', 'call'],
  ['countersign.likely_tool_calls', 'likely_call'],
  ['process.exit.code', 'exit_code'],
  ['log.iostream', 'stream'],
  ['countersign.parent_session', 'inside'],
  ['countersign.child_session', 'session'],
  ['countersign.previous_session', 'continues'],
  ['countersign.next_session', 'goes_on_in'],
  ['countersign.duration_ms', 'duration_ms'],
  ['countersign.withheld', 'withheld'],
  ['countersign.reason', 'reason'],
]);
/** Of one record, where not all of it is asked for. */
const linesMax = 40;
const stateColumns = 'interrupted'.length;
const countColumns = 6;
const channelColumns = 2;

export function describeSession({ session, opened, state, records, principal, targets }: SessionSummary): string {
  return columns(session, opened, state.padEnd(stateColumns), `${String(records).padStart(countColumns)} records`, principal ?? '', targets);
}

/** What a person reads of a record, controls escaped: a line of what and where, its facts, and its text. */
export interface ReadableRecord {
  readonly line: string;
  readonly facts: string;
  readonly text: string;
}

/** The channel stands before what happened on it: 0 is the run itself, a dash the session. */
export function readRecord(record: ShownRecord): ReadableRecord {
  const verdict = record.verdict === 'allow' ? null : record.verdict;
  const channel = String(record.channel ?? '-').padStart(channelColumns);
  const head = [record.time.slice(11, 23), channel, kindMarks[record.kind] ?? '·', record.action ?? record.kind, record.target, verdict];
  const details = Object.entries(record.attributes).flatMap(([name, value]) => {
    const shown = shownAttributes.get(name);
    return shown === undefined ? [] : `${shown}=${String(value)}`;
  });
  return {
    line: escapeControls(head.filter((part) => part !== null).join(' '), 'nothing'),
    facts: escapeControls([...details, `#${record.seq}`].join(' '), 'nothing'),
    text: escapeControls(textOf(record), 'lines'),
  };
}

export function describeRecord(record: ShownRecord, linesShownMax: number = linesMax): string {
  const { line, facts, text } = readRecord(record);
  return [`${record.kind === 'request' ? bold(line) : line} ${dim(facts)}`, ...indent(text, linesShownMax)].join('\n');
}

function textOf({ content }: ShownRecord): string {
  return content === null ? '' : (content.text ?? `${content.bytes} bytes`);
}

function indent(text: string, linesShownMax: number): string[] {
  if (text === '') {
    return [];
  }
  const lines = text.split('\n');
  const shown = lines.slice(0, linesShownMax).map((line) => `    ${line}`);
  return lines.length > linesShownMax ? [...shown, dim(`    … ${lines.length - linesShownMax} lines more`)] : shown;
}

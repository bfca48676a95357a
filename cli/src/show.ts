import type { SessionSummary, ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { columns } from './rows.ts';
import { bold, dim, escapeControls } from './terminal.ts';

const kindMarks: Readonly<Record<string, string>> = { request: '→', response: '←', decision: '?', open: '+', close: '×', alert: '!', incident: '!' };
const shownAttributes = new Set([
  'db.response.returned_rows',
  'db.response.status_code',
  'error.type',
  'countersign.duration_ms',
  'countersign.withheld',
  'countersign.reason',
]);
/** Of one record, where not all of it is asked for. */
const linesMax = 40;
const stateColumns = 'interrupted'.length;
const countColumns = 6;

export function describeSession({ session, opened, state, records, principal, targets }: SessionSummary): string {
  return columns(session, opened, state.padEnd(stateColumns), `${String(records).padStart(countColumns)} records`, principal ?? '', targets);
}

/** A record as a person reads it, controls escaped. */
export function describeRecord(record: ShownRecord, linesShownMax: number = linesMax): string {
  const verdict = record.verdict === 'allow' ? null : record.verdict;
  const head = [record.time.slice(11, 23), kindMarks[record.kind] ?? '·', record.action ?? record.kind, record.target, verdict];
  const details = Object.entries(record.attributes)
    .filter(([name]) => shownAttributes.has(name))
    .map(([name, value]) => `${name.slice(name.lastIndexOf('.') + 1)}=${String(value)}`);
  const line = escapeControls(head.filter((part) => part !== null).join(' '), 'nothing');
  const facts = dim(escapeControls([...details, `#${record.seq}`].join(' '), 'nothing'));
  return [`${record.kind === 'request' ? bold(line) : line} ${facts}`, ...indent(textOf(record), linesShownMax)].join('\n');
}

function textOf({ content }: ShownRecord): string {
  return content === null ? '' : (content.text ?? `${content.bytes} bytes`);
}

function indent(text: string, linesShownMax: number): string[] {
  if (text === '') {
    return [];
  }
  const lines = escapeControls(text, 'lines').split('\n');
  const shown = lines.slice(0, linesShownMax).map((line) => `    ${line}`);
  return lines.length > linesShownMax ? [...shown, dim(`    … ${lines.length - linesShownMax} lines more`)] : shown;
}

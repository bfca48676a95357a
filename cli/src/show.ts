import type { ShownRecord } from '@countersign/gateway/domain/shown-record.ts';
import { bold, dim, escapeControls } from './terminal.ts';

const kindMarks: Readonly<Record<string, string>> = { request: '→', response: '←', decision: '?', open: '+', close: '×', alert: '!', incident: '!' };
const shownAttributes = new Set(['db.response.returned_rows', 'db.response.status_code', 'countersign.duration_ms', 'countersign.withheld', 'countersign.reason', 'error.type']);
const linesMax = 40;

/** A record as a person reads it, controls escaped. */
export function describeRecord(record: ShownRecord, linesShownMax: number = linesMax): string {
  const mark = kindMarks[record.kind] ?? '·';
  const head = [record.time.slice(11, 23), mark, record.action ?? record.kind, record.target ?? '', record.verdict === 'allow' ? '' : (record.verdict ?? '')];
  const details = Object.entries(record.attributes)
    .filter(([name]) => shownAttributes.has(name))
    .map(([name, value]) => `${name.slice(name.lastIndexOf('.') + 1)}=${String(value)}`);
  const line = `${escapeControls(head.filter((part) => part !== '').join(' '), 'nothing')} ${dim(escapeControls([...details, `#${record.seq}`].join(' '), 'nothing'))}`;
  const text = record.content?.text ?? (record.content === null ? '' : `${record.content.bytes} bytes`);
  return [record.kind === 'request' ? bold(line) : line, ...indent(text, linesShownMax)].join('\n');
}

function indent(text: string, linesShownMax: number): string[] {
  if (text === '') {
    return [];
  }
  const lines = escapeControls(text, 'lines').split('\n');
  const shown = lines.slice(0, linesShownMax).map((line) => `    ${line}`);
  return lines.length > linesShownMax ? [...shown, `    … ${lines.length - linesShownMax} lines more`] : shown;
}

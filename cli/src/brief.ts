import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { saidIn } from './said.ts';
import { summaryOf } from './show.ts';
import { escapeControls } from './terminal.ts';

const marks: Readonly<Record<string, string>> = { request: '→', response: '←', alert: '!' };
/** A line shows at most this many characters of a text, after its time and channel. */
const textCharacters = 96;

/**
 * Yields a session in brief: a line for each request, and for each answer when it is complete. Records of the gateway about itself are left out. Controls are
 * escaped.
 */
export async function* briefly(records: AsyncIterable<ShownRecord>): AsyncGenerator<string> {
  for await (const record of records) {
    const mark = marks[record.kind];
    if (mark !== undefined && (record.kind !== 'response' || endsAnswer(record))) {
      const what = record.kind === 'response' ? '' : `${record.verdict === 'deny' ? 'DENIED ' : ''}${record.action ?? record.kind} `;
      const text = escapeControls(gist(record), 'nothing');
      const cut = text.length > textCharacters ? `${text.slice(0, textCharacters)}…` : text;
      yield escapeControls(`${record.time.slice(11, 23)} ${mark} ${record.target ?? ''} ${what}`, 'nothing') + cut;
    }
  }
}

/**
 * True for the last record of an answer, which says how long the answer took. Over WebSocket no record says that; there the message that completes the answer
 * says why it ended.
 */
function endsAnswer({ attributes }: ShownRecord): boolean {
  return attributes[ownAttributes.durationMs] !== undefined || attributes['gen_ai.response.finish_reasons'] !== undefined;
}

/**
 * The essence of a record in one line: the last line of a conversation, the number of rows and the first of them, or the message of an answer that came in
 * pieces.
 */
function gist(record: ShownRecord): string {
  const { attributes, content } = record;
  const said = attributes['gen_ai.output.messages'];
  const rows = attributes['db.response.returned_rows'];
  const lines = (summaryOf(record) ?? content?.text ?? '').split('\n').filter((line) => line.trim() !== '');
  if (said !== undefined) {
    return saidIn(said, 'parts').join(' ');
  }
  if (typeof rows === 'number') {
    return `${rows} ${rows === 1 ? 'row' : 'rows'}: ${lines.slice(0, rows + 1).join(' / ')}`;
  }
  return (attributes['gen_ai.input.messages'] === undefined ? lines[0] : lines.at(-1)) ?? '';
}

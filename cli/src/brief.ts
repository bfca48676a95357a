import { countOf } from '@countersign/gateway/count-of';
import type { ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import type { Entry } from './folded.ts';
import { saidIn } from './said.ts';
import { approversText, changeEnvironment, isAct, isRefusedLogin, readRecord, summaryOf, surroundingsOf } from './show.ts';
import { bold, dim, escapeControls } from './terminal.ts';
import { valueWords } from './value-words.ts';

const marks: Readonly<Record<string, string>> = { request: '→', response: '←', event: '·', decision: '?', approval: '?', alert: '!', mask: '~', close: '×' };
const verdicts: Readonly<Record<string, string>> = { deny: 'DENIED ', hold: 'HELD ' };
/** After its time, target and action, a line shows at most this many characters of a text and its decision. */
const textCharacters = 96;
/** The text has at least this many of them. */
const textCharactersMin = 56;

/**
 * Yields a session in brief: a line for each request, with the policies that decided on it, for each answer when it is complete, for what people decided, and
 * for its end if somebody ended it, for refused logins and what administrators did, and for a change of configuration or policies in between. Other records of the gateway about itself are left out. Controls are escaped.
 */
export async function* briefly(records: AsyncIterable<Entry>): AsyncGenerator<string> {
  for await (const record of records) {
    const mark = marks[record.kind];
    if (mark !== undefined && isWorthALine(record)) {
      const head = [(record.folded?.time ?? record.time).slice(11, 23), mark, record.target, whatOf(record)].filter((part) => part !== null && part !== '');
      const [policies, reason] = decisionOf(record);
      const values = valuesIn(record);
      const text = escapeControls(gist(record), 'nothing');
      const most = Math.max(textCharactersMin, textCharacters - policies.length - reason.length - values.length);
      const cut = text.length > most ? `${text.slice(0, most)}…` : text;
      const line = `${escapeControls(head.join(' '), 'nothing')} ${cut}`;
      yield `${isControl(record) ? bold(line) : line}${bold(escapeControls(values, 'nothing'))}${policies === '' ? '' : dim(escapeControls(policies, 'nothing'))}${escapeControls(reason, 'nothing')}`;
    }
  }
}

function isWorthALine(record: ShownRecord): boolean {
  switch (record.kind) {
    case 'response':
      // The connection to a target may be answered without words.
      return (
        endsAnswer(record) &&
        (record.content !== null || record.attributes[ownAttributes.withheld] !== undefined || record.attributes['error.type'] !== undefined)
      );
    case 'approval':
      return isStepOfPeople(record);
    case 'event':
      return record.action === changeEnvironment || record.attributes[ownAttributes.followedIsCut] === true;
    case 'decision':
      return isAct(record) || isRefusedLogin(record);
    case 'close':
      return record.content !== null;
    case 'mask':
      // The line of a request or an answer says what was masked in it.
      return record.attributes[ownAttributes.request] === undefined;
    default:
      return true;
  }
}

/** True for a step that people see: not for an estimate, nor for the use of an approval that was granted in the same session, where its grant has a line. */
function isStepOfPeople({ session, attributes }: ShownRecord): boolean {
  const isUse = attributes[ownAttributes.approvalState] === 'spent';
  return isUse ? (attributes[ownAttributes.approvalAskedSession] ?? session) !== session : attributes[ownAttributes.approvalEstimatedRows] === undefined;
}

/** True where something did not simply go on: it was denied, held, decided by people or ended by somebody. */
function isControl({ kind, verdict }: ShownRecord): boolean {
  return kind === 'request' ? verdict !== 'allow' : kind !== 'response';
}

/** Says what a record is. An answer needs no word, its sign says it. */
function whatOf({ kind, verdict, action, attributes }: ShownRecord): string {
  switch (kind) {
    case 'response':
      return attributes['error.type'] === undefined ? '' : `CUT OFF (${String(attributes['error.type'])})`;
    case 'approval':
      return kind;
    case 'mask':
      return 'masked';
    case 'close':
      return String(attributes[ownAttributes.closeReason]);
    default:
      return `${verdicts[verdict ?? ''] ?? ''}${action ?? kind}`;
  }
}

/** Says what is known of the values in a request or an answer, with the number by which other lines and `countersign trace` name it. */
function valuesIn(record: Entry): string {
  const masked = maskedText(record);
  const words = record.kind === 'request' || record.kind === 'response' ? [...valueWords(record), ...(masked === '' ? [] : [`masked ${masked}`])] : [];
  return words.length === 0 ? '' : ` #${record.seq}${record.folded === undefined ? '' : `–#${record.folded.seq}`} ${words.join(', ')}`;
}

/** Names the policies that decided on a request, and the reason if it was denied or held, or if the gateway or a person acted. */
function decisionOf({ kind, verdict, policies, attributes }: ShownRecord): readonly [policies: string, reason: string] {
  const reason = attributes[ownAttributes.reason];
  if (kind === 'decision') {
    return ['', reason === undefined ? '' : `: ${String(reason)}`];
  }
  if (kind !== 'request' || policies.length === 0) {
    return ['', ''];
  }
  return [` [${policies.join(', ')}]`, verdict === 'allow' || reason === undefined ? '' : ` ${String(reason)}`];
}

/**
 * True for the last record of an answer, which says how long the answer took. Over WebSocket no record says that; there the message that completes the answer
 * says why it ended.
 */
function endsAnswer({ attributes }: ShownRecord): boolean {
  return attributes[ownAttributes.durationMs] !== undefined || attributes['gen_ai.response.finish_reasons'] !== undefined;
}

/**
 * The essence of a record in one line: the last line of a conversation, the number of rows and the first of them, the message of an answer that came in
 * pieces, the first lines of head and body, or what people decided.
 */
function gist(record: ShownRecord): string {
  const { kind, attributes, content } = record;
  const said = attributes['gen_ai.output.messages'];
  const rows = attributes['db.response.returned_rows'];
  const text = summaryOf(record) ?? content?.text ?? '';
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (kind === 'approval') {
    return approvalGist(record);
  }
  if (kind === 'mask') {
    return maskedText(record);
  }
  if (kind === 'close' || kind === 'decision') {
    return readRecord(record).text;
  }
  if (kind === 'event') {
    return [...surroundingsOf(record), ...valueWords(record)].join(' ');
  }
  if (said !== undefined) {
    return saidIn(said, 'parts').join(' ');
  }
  if (typeof rows === 'number') {
    return rows === 0 ? (lines.at(-1) ?? '') : `${countOf(rows, 'row')}: ${lines.slice(0, rows + 1).join(' / ')}`;
  }
  if (attributes['gen_ai.input.messages'] !== undefined) {
    return lines.at(-1) ?? '';
  }
  if (kind === 'alert' && text === '') {
    return [String(attributes[ownAttributes.reason] ?? ''), valueWords(record).join(', ')].filter((words) => words !== '').join(': ');
  }
  if (attributes[ownAttributes.withheld] === 'erased' && text === '') {
    return '(content deleted)';
  }
  const [, body = ''] = text.split('\n\n', 2);
  return [lines[0] ?? '', ...(body === '' ? [] : [body.split('\n', 1)[0]])].join(' ');
}

function maskedText({ attributes }: ShownRecord): string {
  return [attributes[ownAttributes.masked] ?? ''].flat().join(', ');
}

function approvalGist(record: ShownRecord): string {
  const { attributes } = record;
  const [id, state, by, groups, note] = [
    ownAttributes.approvalId,
    ownAttributes.approvalState,
    ownAttributes.approvalBy,
    ownAttributes.approvalGroups,
    ownAttributes.approvalNote,
  ].map((name) => attributes[name]);
  const approvers = approversText(record);
  if (approvers !== '') {
    return `${String(id)} ${String(state)}: ${approvers}`;
  }
  const who = by === undefined ? (groups === undefined ? '' : ` for ${String(groups)}`) : ` by ${String(by)}`;
  return `${String(id)} ${String(state)}${who}${note === undefined ? '' : `: ${String(note)}`}`;
}

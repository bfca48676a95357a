import { countOf } from '@countersign/gateway/count-of';
import type { SessionOverview, SessionSummary, ShownRecord } from '@countersign/gateway/api';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import { unkeptText } from '@countersign/gateway/comparison';
import type { Entry } from './folded.ts';
import { columns } from './rows.ts';
import { bold, dim, escapeControls } from './terminal.ts';
import { valueWords } from './value-words.ts';

const kindMarks: Readonly<Record<string, string>> = {
  request: '→',
  response: '←',
  decision: '?',
  approval: '?',
  event: '·',
  open: '+',
  close: '×',
  alert: '!',
  mask: '~',
  incident: '!',
};
/** The only event that has a line in brief: other software, another configuration, other policies or other tags of a target from here on. */
export const changeEnvironment = 'gateway.change_environment';
/** The explanation of the columns of a timeline, for the help text. */
export const legend =
  'Before each record stand its time, its channel (0 is the run itself, - the session) and a sign: + opened, ? decided, → asked, ← answered, × closed, ! alert, ~ masked, · an event or anything else.';
/** The attributes that are shown, with the name that each is shown by. */
const shownAttributes = new Map([
  ['db.response.returned_rows', 'returned_rows'],
  ['db.response.status_code', 'status_code'],
  ['http.response.status_code', 'status'],
  ['gen_ai.request.model', 'model'],
  ['gen_ai.response.model', 'served'],
  ['gen_ai.usage.input_tokens', 'tokens_in'],
  ['gen_ai.usage.output_tokens', 'tokens_out'],
  ['gen_ai.tool.name', 'tools'],
  ['error.type', 'error'],
  ['gen_ai.tool.call.id', 'call'],
  [ownAttributes.likelyToolCalls, 'likely_call'],
  [ownAttributes.causedBy, 'caused_by'],
  ['process.exit.code', 'exit_code'],
  ['log.iostream', 'stream'],
  [ownAttributes.parentSession, 'inside'],
  [ownAttributes.childSession, 'session'],
  [ownAttributes.previousSession, 'continues'],
  [ownAttributes.nextSession, 'goes_on_in'],
  [ownAttributes.durationMs, 'duration_ms'],
  ['gen_ai.response.finish_reasons', 'finished'],
  [ownAttributes.withheld, 'withheld'],
  [ownAttributes.contentBytes, 'content_bytes'],
  [ownAttributes.isWhole, 'whole'],
  [ownAttributes.approvalId, 'approval'],
  [ownAttributes.approvalState, 'state'],
  [ownAttributes.approvalGroups, 'groups'],
  [ownAttributes.approvalAskedSession, 'asked_in'],
  [ownAttributes.approvalAskedRecord, 'asked_as'],
  [ownAttributes.approvalGrantedRecords, 'granted_as'],
  [ownAttributes.approvalEstimatedRows, 'estimated_rows'],
  [ownAttributes.approvalBreakGlass, 'broke_glass_as'],
  [ownAttributes.approvalBy, 'by'],
  [ownAttributes.approvalNote, 'note'],
  [ownAttributes.reason, 'reason'],
  [ownAttributes.closeReason, 'reason'],
  [ownAttributes.masked, 'masked'],
  [ownAttributes.targetTags, 'tags'],
]);
/** The attributes that are shown only on records that open a channel or state an environment. The client's claims of itself may be on each of its requests too. */
const surroundings = new Map([
  [ownAttributes.clientClaims, 'claims'],
  [ownAttributes.policyVersion, 'policy_version'],
  [ownAttributes.configurationSha256, 'configuration'],
  ['service.version', 'version'],
  ['process.runtime.version', 'node'],
]);
/** This many digits of the digest of a configuration are shown. */
const digestDigits = 12;
/** The usual status of an answer over HTTP, which is not shown. */
const usualStatus = 200;
/** Most lines of one record that are shown, unless all of it is asked for. */
const linesMax = 40;
/** Most characters of one line that are shown. */
const lineCharactersMax = 2000;
const stateColumns = 'interrupted'.length;
const countColumns = 6;
const channelColumns = 2;
const msPerSecond = 1000;

export function describeSession(session: SessionSummary | SessionOverview): string {
  const { opened, state, records, principal, targets } = session;
  return columns(
    session.session,
    opened,
    state.padEnd(stateColumns),
    `${String(records).padStart(countColumns)} ${records === 1 ? 'record ' : 'records'}`,
    principal ?? '',
    targets,
    ...('risk' in session ? [`risk ${session.risk.score}`, session.title ?? ''] : []),
  );
}

/** Describes what a session was about and whether it is worth a look, in the lines before its timeline. */
export function describeOverview({ title, principal, opened, durationMs, state, classes, risk, findings, unindexed }: SessionOverview): string {
  const seconds = Math.round(durationMs / msPerSecond);
  const [head = '', ...more] = [
    title ?? 'no prompt or statement that you may read',
    `${principal ?? 'the gateway itself'}, ${opened}, ${state}, ${countOf(seconds, 'second')}${classes.length === 0 ? '' : `, data classes ${classes.join(', ')}`}`,
    `risk ${risk.score}`,
    ...findings.map(({ words, weight, seq }) => `  +${weight} ${words}${seq === null ? '' : `, first in #${seq}`}`),
    ...(unindexed === 0 ? [] : [`${countOf(unindexed, 'record')} more, not in the index yet`]),
  ].map((line) => escapeControls(line, 'nothing'));
  return [bold(head), ...more, ''].join('\n');
}

/** A record as people read it: a line that says what happened and where, the facts of the record, and its text. Controls are escaped. */
export interface ReadableRecord {
  readonly line: string;
  readonly facts: string;
  readonly text: string;
  /** The summary that is shown in place of a text of little interest, unless all of it is asked for. */
  readonly summary: string | null;
}

/** Makes a record readable. The channel comes first: 0 is the run itself, a dash the session. */
export function readRecord(record: Entry): ReadableRecord {
  const { folded } = record;
  const summary = summaryOf(record);
  const verdict = record.verdict === 'allow' && record.kind !== 'decision' ? null : record.verdict;
  const channel = String(record.channel ?? '-').padStart(channelColumns);
  const time = record.time.replace('T', ' ');
  const span = folded === undefined ? time : `${time} … +${Date.parse(folded.time) - Date.parse(record.time)} ms`;
  const number = folded === undefined ? `#${record.seq}` : `#${record.seq}–#${folded.seq} in ${countOf(folded.records, 'record')}`;
  const head = [span, channel, kindMarks[record.kind] ?? '·', record.action ?? record.kind, record.target, verdict];
  const details = Object.entries(record.attributes).flatMap(([name, value]) => {
    const shown = shownAttributes.get(name);
    return shown === undefined || (name === 'http.response.status_code' && value === usualStatus) ? [] : `${shown}=${String(value)}`;
  });
  details.push(...surroundingsOf(record), ...valueWords(record));
  return {
    line: escapeControls(head.filter((part) => part !== null).join(' '), 'nothing'),
    facts: escapeControls([...(record.policies.length === 0 ? [] : [`policies=${record.policies.join(',')}`]), ...details, number].join(' '), 'nothing'),
    text: escapeControls(textOf(record), 'lines'),
    summary: summary === null ? null : escapeControls(summary, 'lines'),
  };
}

/** Describes the environment or the tags that a record states, and the client's claims if the record opens its channel. */
export function surroundingsOf({ seq, action, attributes }: ShownRecord): readonly string[] {
  const isStatement = attributes[ownAttributes.environment] === seq || action === changeEnvironment;
  const isOpening = attributes[ownAttributes.opening] === seq;
  return [...surroundings].flatMap(([name, shown]) => {
    const value = attributes[name];
    if (value === undefined || (name === ownAttributes.clientClaims ? !isOpening : !isStatement)) {
      return [];
    }
    return `${shown}=${name === ownAttributes.configurationSha256 ? String(value).slice(0, digestDigits) : String(value)}`;
  });
}

/** Says how much of a record is printed. */
export interface Extent {
  /** True: the whole record. */
  readonly full?: boolean;
  /** The text that was searched for. Lines with a match are not left out. */
  readonly grep?: string;
}

export function describeRecord(record: Entry, extent: Extent = {}): string {
  const { line, facts, text, summary } = readRecord(record);
  const { full = false, grep = '' } = extent;
  const isAsked = full || (grep !== '' && text.toLowerCase().includes(grep.toLowerCase()));
  const lines = summary === null || isAsked ? cutLines(text, extent) : cutLines(`${summary} …: --full`, extent);
  return [`${record.kind === 'request' ? bold(line) : line} ${dim(facts)}`, ...lines].join('\n');
}

export function summaryOf({ attributes }: ShownRecord): string | null {
  const summary = attributes[ownAttributes.summary];
  return typeof summary === 'string' ? summary : null;
}

function textOf(record: ShownRecord): string {
  const { content } = record;
  if (record.kind === 'access') {
    return accessText(record);
  }
  if (record.kind === 'close') {
    return endText(record);
  }
  if (record.kind === 'approval') {
    return approversText(record);
  }
  if (isRefusedLogin(record)) {
    return refusalText(record);
  }
  if (isAct(record)) {
    return actText(record);
  }
  return content === null ? (unkeptText(record) ?? '') : (content.text ?? countOf(content.bytes, 'byte'));
}

/** The words for what people do to a principal, by the action of the record. */
const actsOnPrincipals = new Map([
  ['gateway.suspend_principal', 'suspended'],
  ['gateway.resume_principal', 'resumed'],
  ['gateway.create_token', 'made a token for'],
  ['gateway.revoke_token', 'revoked a token of'],
  ['gateway.invite_administrator', 'made a link for a passkey of'],
  ['gateway.remove_passkey', 'removed a passkey of'],
]);

export function isRefusedLogin({ action, verdict }: ShownRecord): boolean {
  return action === 'gateway.authenticate' && verdict === 'deny';
}

/** True for the record of something that the operator or an administrator did. */
export function isAct({ kind, verdict, principal, attributes }: ShownRecord): boolean {
  return kind === 'decision' && verdict === 'allow' && principal === null && typeof attributes['user.id'] === 'string';
}

/** Describes an act of the operator or of an administrator: who did it, from where, and to whom. */
function actText({ action, attributes }: ShownRecord): string {
  const by = attributes['user.id'];
  const who = attributes[ownAttributes.withoutGateway] === true ? `${String(by)}, while no gateway ran,` : whoOf({ by, address: attributes['client.address'] });
  const [did, whom] = [actsOnPrincipals.get(action ?? ''), attributes[ownAttributes.principal]];
  return did === undefined || whom === undefined ? `by ${who}` : `${who} ${did} ${String(whom)}`;
}

/** Describes an `access` record: who read what, and from where. */
function accessText({ attributes, content }: ShownRecord): string {
  const facts = readFacts(content?.base64);
  const { [ownAttributes.accessSession]: session, [ownAttributes.accessWhat]: what } = attributes;
  return session === undefined
    ? `${whoOf(facts)} asked for a ${String(what)} of all sessions: ${factOf(facts, 'query', '')}`
    : `${whoOf(facts)} read session ${String(session)}: ${String(what)}`;
}

/**
 * Says on one line who approved a request that then ran: the people with their groups, and behind a colon what they added. A note has no line of its own, and the
 * names come before all notes, so that no note adds a name. Empty on other steps of an approval.
 */
export function approversText({ attributes }: ShownRecord): string {
  const [by = [], groups = [], notes = [], broken = []] = [
    ownAttributes.approvalGrantedBy,
    ownAttributes.approvalGroups,
    ownAttributes.approvalGrantedNotes,
    ownAttributes.approvalBreakGlass,
  ].map((name) => {
    const value = attributes[name];
    return Array.isArray(value) ? value : [];
  });
  if (by.length === 0) {
    return '';
  }
  const said = notes.filter((note) => note !== '');
  // One person breaks the glass, as a member of all the groups that may.
  const who =
    broken.length > 0
      ? `glass broken by ${by.join()} (${broken.join(', ')})`
      : `approved by ${by.map((name, i) => `${name} (${groups[i] ?? '?'})`).join(', ')}`;
  return `${who}${said.length === 0 ? '' : `: ${escapeControls(said.join('; '), 'nothing')}`}`;
}

/** Describes who ended a session, from where and why; empty if nobody did. */
function endText({ content }: ShownRecord): string {
  if (content === null) {
    return '';
  }
  const facts = readFacts(content.base64);
  const why = factOf(facts, 'reason', '');
  return `${whoOf(facts)} ended it${why === '' ? '' : `: ${why}`}`;
}

/** Describes a refusal: who was refused, for which target, and from where. */
function refusalText({ attributes }: ShownRecord): string {
  const [address, protocol, target, user, count] = ['client.address', ownAttributes.protocol, ownAttributes.target, 'user.name', ownAttributes.count].map(
    (name) => attributes[name],
  );
  const named = (word: string, value: ShownRecord['attributes'][string] | undefined): string =>
    value === undefined || value === '' ? '' : ` ${word} ${String(value)}`;
  const what = count === undefined ? 'a login was refused' : `${String(count)} more ${count === 1 ? 'login was' : 'logins were'} refused`;
  return `${what}:${named('from', address)}${named('over', protocol)}${named('to', target)}${named('as', user)}`;
}

/** Says who acted, and from where. What comes over the operator's socket comes from the gateway's own machine. */
function whoOf(facts: Readonly<Record<string, unknown>>): string {
  const address = factOf(facts, 'address', 'an address that is not known');
  const by = factOf(facts, 'by', 'somebody');
  return address === 'operator socket' ? `${by === 'operator' ? 'the operator' : by} on the gateway's machine` : `${by} from ${address}`;
}

function factOf(facts: Readonly<Record<string, unknown>>, name: string, otherwise: string): string {
  const value = facts[name];
  return typeof value === 'string' ? value : otherwise;
}

function readFacts(base64: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const facts: unknown = JSON.parse(Buffer.from(base64 ?? '', 'base64').toString());
    return typeof facts === 'object' && facts !== null ? { ...facts } : {};
  } catch {
    return {};
  }
}

/** Returns the lines to print, indented. A last line says how many are left out, and how to see them. */
/** Sets text apart from the words of a command, so that no line of it is taken for one of them (ATTACKS C32). */
export function indented(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function cutLines(text: string, { full, grep }: Extent): string[] {
  if (text === '') {
    return [];
  }
  if (full === true) {
    return [indented(text)];
  }
  const lines = text.split('\n');
  const wanted = grep?.toLowerCase() ?? '';
  const shown: string[] = [];
  let leftOut = 0;
  for (const [i, line] of lines.entries()) {
    const hitAt = wanted === '' ? -1 : line.toLowerCase().indexOf(wanted);
    if (i < linesMax || hitAt >= 0) {
      shown.push(...leftOutLine(leftOut), `    ${cutLine(line, Math.max(hitAt, 0))}`);
      leftOut = 0;
    } else {
      leftOut += 1;
    }
  }
  return [...shown, ...leftOutLine(leftOut)];
}

function leftOutLine(count: number): string[] {
  return count === 0 ? [] : [dim(`    … ${countOf(count, 'line')} more: --full`)];
}

/** Cuts a long line to its beginning, or to the part around the position `at`. */
function cutLine(line: string, at: number): string {
  if (line.length <= lineCharactersMax) {
    return line;
  }
  const from = at < lineCharactersMax / 2 ? 0 : at - lineCharactersMax / 2;
  const to = from + lineCharactersMax;
  const before = from === 0 ? '' : `… ${countOf(from, 'character')} before `;
  const behind = to >= line.length ? '' : ` … ${countOf(line.length - to, 'character')} more: --full`;
  return `${before}${line.slice(from, to)}${behind}`;
}

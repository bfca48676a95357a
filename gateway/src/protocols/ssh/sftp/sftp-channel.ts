import { isUtf8 } from 'node:buffer';
import type { Action, Attributes } from '../../../domain/action.ts';
import { refusalOf, type Decision } from '../../../domain/decision.ts';
import { readEffects, writeEffects, type Effect } from '../../../domain/effects.ts';
import { GatewayError } from '../../../domain/errors.ts';
import { ownAttributes } from '../../../domain/own-attributes.ts';
import { changeText, type TextChange } from '../../../domain/text-change.ts';
import type { RequestOutput, ResponseOutput } from '../../../wire/relay.ts';
import { data } from '../compose.ts';
import { saying, sentence } from '../failures.ts';
import { FrameReader } from '../messages.ts';
import { parseOperation, type Operation } from './operations.ts';
import {
  codeName,
  codes,
  homeId,
  init,
  packetBytesMax,
  parseAnswer,
  parseVersion,
  realpath,
  status,
  types,
  version,
  withoutId,
  type Answer,
} from './packets.ts';
import { askedPath, plainPath } from './paths.ts';
import { Transferred } from './transferred.ts';

/** Most operations that the target has not answered, and most bytes of what they write. The client is not read while there are so many. */
const openOperationsMax = 1024;
const openBytesMax = 4 * 1024 * 1024;
/** Most files and directories that are open at the same time. */
const filesMax = 1024;
/** Values are looked for in what is read at once up to this length, and together with the end of what was read before it. */
const lookedBytesMax = 64 * 1024;
const lookedBeforeCharacters = 256;
/** OpenSSH does not show the words of a status, so those of the first refusals stand on standard error too. Some clients never read that, so there are no more. */
const linesMax = 20;
const mebibyte = 1024 * 1024;

/** A request for the relay, and what is said to the client once it is decided. */
export interface Asked {
  readonly output: RequestOutput;
  readonly settle: (decision: Decision, seq: number, changes: readonly TextChange[]) => readonly ResponseOutput[];
}

/** A file or a directory that the client has open. */
interface Opened {
  readonly path: string;
  /** The request that opened it. */
  readonly seq: number;
  /** To close it ends what it was opened for. */
  readonly closing: readonly Effect[];
  /** The attributes of what is done with it, by its action. Each is made once. */
  readonly attributes: Map<string, Attributes>;
  readonly read: Transferred;
  readonly written: Transferred;
  /** The end of the text that was read last, and the place behind it. */
  looked: { readonly end: number; readonly text: string };
}

/** An operation that the target has not answered. */
interface Outstanding {
  readonly operation: Operation;
  readonly seq: number;
  readonly path: string | null;
  readonly file: Opened | null;
  readonly changes: readonly TextChange[];
}

/** The places that an operation is about, or the reason why it is refused. */
interface Place {
  readonly path: string | null;
  readonly otherPath: string | null;
  readonly file: Opened | null;
  readonly refused: string | null;
  readonly code: number;
}

/**
 * SFTP in a channel, without I/O. Each operation of the client is a request of its own, and each answer belongs to one of them by its id. The gateway begins the conversation in its
 * own words, and asks at once where relative paths begin, so that policy sees every path from the root.
 */
export class SftpChannel {
  readonly #channel: number;
  readonly #session: string;
  readonly #client = new FrameReader(packetBytesMax);
  readonly #target = new FrameReader(packetBytesMax);
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #files = new Map<string, Opened>();
  /** The first question: the version, and where relative paths begin. Null before it is asked. */
  #begun: { readonly seq: number; answer: Buffer | null } | null = null;
  #isReady = false;
  #home: string | null = null;
  #openBytes = 0;
  #linesLeft = linesMax;

  constructor(channel: number, session: string) {
    this.#channel = channel;
    this.#session = session;
  }

  /** True if the client is not read, because its operations wait. */
  get isFull(): boolean {
    return (this.#begun !== null && !this.#isReady) || this.#outstanding.size >= openOperationsMax || this.#openBytes > openBytesMax;
  }

  clientBytes(bytes: Buffer): void {
    this.#client.push(bytes);
  }

  /** Returns what the client asks for next. Null: nothing, or it must wait. Throws GatewayError `malformed`, `limit_exceeded` or `unsupported`. */
  next(): Asked | null {
    const packet = this.isFull ? null : this.#client.next();
    return packet === null ? null : this.#isReady ? this.#operation(packet) : this.#begin(packet);
  }

  /** Takes bytes of the target. Returns what the client gets, and what is recorded. Throws GatewayError `malformed`, `limit_exceeded` or `unsupported`. */
  targetBytes(bytes: Buffer): readonly ResponseOutput[] {
    this.#target.push(bytes);
    const outputs: ResponseOutput[] = [];
    for (let packet = this.#target.next(); packet !== null; packet = this.#target.next()) {
      const output = this.#isReady ? this.#answer(packet) : this.#welcome(packet);
      if (output !== null) {
        outputs.push(output);
      }
    }
    return outputs;
  }

  /** Says what moved of each file that is still open, where the channel ends. */
  ended(): readonly ResponseOutput[] {
    const files = [...this.#files.values()];
    this.#files.clear();
    return files.flatMap((file) => {
      const moved = movedOf(file);
      return Object.keys(moved).length === 0 ? [] : [this.#response(file.seq, [], { 'file.path': file.path, ...moved })];
    });
  }

  #begin(packet: Buffer): Asked {
    const wanted = parseVersion(packet, types.init);
    if (wanted < version) {
      throw new GatewayError('unsupported', `The client speaks version ${wanted} of SFTP, and the gateway version ${version}.`);
    }
    const bytes = [data(this.#channel, init), data(this.#channel, realpath(homeId, '.'))];
    const output: RequestOutput = {
      type: 'request',
      action: { name: 'ssh.sftp.init', attributes: { [ownAttributes.effects]: readEffects } },
      bytes,
      byGateway: true,
    };
    return {
      output,
      settle: (_decision, seq) => {
        this.#begun = { seq, answer: null };
        return [];
      },
    };
  }

  /** Takes the target's version, and where relative paths begin. The client gets the version once both are known. */
  #welcome(packet: Buffer): ResponseOutput | null {
    const begun = this.#begun;
    if (begun === null) {
      throw new GatewayError('malformed', 'The target of SFTP speaks before it is asked.');
    }
    if (begun.answer === null) {
      const spoken = parseVersion(packet, types.version);
      if (spoken !== version) {
        throw new GatewayError('unsupported', `The target speaks version ${spoken} of SFTP, and the gateway version ${version}.`);
      }
      begun.answer = packet;
      return null;
    }
    this.#home = homeIn(parseAnswer(packet));
    this.#isReady = true;
    return this.#response(begun.seq, [begun.answer], this.#home === null ? {} : { 'file.path': this.#home });
  }

  #operation(packet: Buffer): Asked {
    const operation = parseOperation(packet);
    if (this.#outstanding.has(operation.id)) {
      throw new GatewayError('malformed', 'The client of SFTP gives an id to an operation while another one with it is open.');
    }
    const place = this.#placeOf(operation);
    const attributes = attributesOf(operation, place);
    const about = place.path === null ? [] : [Buffer.from(`${place.path}\0`)];
    const action: Action = { name: operation.name, attributes, known: () => [Buffer.from(operation.name), ...about, withoutId(packet)] };
    const output: RequestOutput = { type: 'request', action, bytes: [data(this.#channel, packet)] };
    return {
      output: place.refused === null ? { ...output, change: (change) => changed(output, operation, { place, change }) } : { ...output, refused: place.refused },
      settle: (decision, seq, changes) => {
        if (decision.verdict !== 'allow') {
          return [this.#refusal(operation.id, seq, refusalOf(decision), place.code)];
        }
        this.#outstanding.set(operation.id, { operation, seq, path: place.path, file: place.file, changes });
        this.#openBytes += operation.writes?.bytes.length ?? 0;
        return [];
      },
    };
  }

  /** Finds what an operation is about. */
  #placeOf({ path, otherPath, handle, otherHandle, strange, opens, isQuestion }: Operation): Place {
    const none = { path: null, otherPath: null, file: null, refused: null, code: codes.permissionDenied };
    if (strange !== undefined) {
      return { ...none, refused: `the gateway does not know this operation of SFTP: ${strange}`, code: codes.unsupported };
    }
    const unknown = { ...none, refused: 'the client has nothing open by this handle', code: codes.failure };
    if (handle !== undefined) {
      const file = this.#files.get(handle);
      const other = otherHandle === undefined ? undefined : this.#files.get(otherHandle);
      return file === undefined || (otherHandle !== undefined && other === undefined)
        ? unknown
        : { ...none, path: file.path, otherPath: other?.path ?? null, file };
    }
    if (opens === true && this.#files.size + [...this.#outstanding.values()].filter(({ operation }) => operation.opens === true).length >= filesMax) {
      return { ...none, refused: `more than ${filesMax} files are open`, code: codes.failure };
    }
    const places = [path, otherPath].map((each) => (each === undefined ? null : (isQuestion === true ? askedPath : plainPath)(each, this.#home)));
    const refused = places.find((each) => each !== null && 'refused' in each);
    const [first = null, second = null] = places.map((each) => (each !== null && 'path' in each ? each.path : null));
    return {
      ...none,
      path: first,
      otherPath: second,
      ...(refused !== undefined && refused !== null && 'refused' in refused ? { refused: refused.refused } : {}),
    };
  }

  /** Takes an answer of the target. */
  #answer(packet: Buffer): ResponseOutput {
    const answer = parseAnswer(packet);
    const outstanding = this.#outstanding.get(answer.id);
    const { operation } = outstanding ?? {};
    if (outstanding === undefined || operation === undefined || (answer.kind !== 'status' && answer.kind !== operation.answer)) {
      throw new GatewayError('malformed', `The target of SFTP answers what nobody asked (${answer.kind}).`);
    }
    this.#outstanding.delete(answer.id);
    this.#openBytes -= operation.writes?.bytes.length ?? 0;
    const given = this.#given(packet, answer, outstanding);
    if (given instanceof GatewayError) {
      return this.#refusal(answer.id, outstanding.seq, given, codes.permissionDenied);
    }
    return this.#response(outstanding.seq, [given], this.#note(answer, outstanding));
  }

  /** Notes what an answer means for what is open. Returns the attributes of its record. */
  #note(answer: Answer, { operation, seq, path, file }: Outstanding): Attributes {
    if (answer.kind === 'handle') {
      if (this.#files.has(answer.handle)) {
        throw new GatewayError('malformed', 'The target of SFTP gives a handle that is in use.');
      }
      this.#files.set(answer.handle, {
        path: path ?? '',
        seq,
        closing: operation.effects.includes('write') ? writeEffects : readEffects,
        attributes: new Map(),
        read: new Transferred(),
        written: new Transferred(),
        looked: { end: 0, text: '' },
      });
    } else if (answer.kind === 'data' && operation.reads !== undefined) {
      file?.read.add(operation.reads.offset, answer.bytes);
    } else if (answer.kind === 'status' && answer.code === codes.ok && operation.writes !== undefined) {
      file?.written.add(operation.writes.offset, operation.writes.bytes);
    }
    const fails = answer.kind === 'status' && answer.code !== codes.ok && answer.code !== codes.endOfFile;
    const failure = fails ? { 'error.type': codeName(answer.code) } : {};
    if (operation.name !== 'ssh.sftp.close' || file === null || operation.handle === undefined || !this.#files.delete(operation.handle)) {
      return failure;
    }
    return { 'file.path': file.path, ...movedOf(file), ...failure };
  }

  /** Returns the packet that the client gets. What policy would change in it has no other form, so it is refused; only the words of a status are changed. */
  #given(packet: Buffer, answer: Answer, { operation, file, changes }: Outstanding): Buffer | GatewayError {
    if (answer.kind === 'data' && answer.bytes.length > (operation.reads?.length ?? 0)) {
      throw new GatewayError('malformed', 'The target of SFTP gives more bytes than were asked for.');
    }
    if (changes.length === 0) {
      return packet;
    }
    const masks = changes.filter(({ look }) => look === undefined);
    if (answer.kind === 'status') {
      const words = changeText(changes, answer.words);
      return words === answer.words ? packet : status(answer.id, answer.code, words, answer.language);
    }
    const refusal = new GatewayError('refused', 'Policy changes texts of this answer, and those of SFTP cannot be changed.');
    if (answer.kind === 'data') {
      // A value may begin in one read and end in another, and the client chooses where each begins.
      if (masks.length > 0 && answer.bytes.length > 0) {
        return refusal;
      }
      lookAt(changes, file, operation.reads?.offset ?? 0, answer.bytes);
      return packet;
    }
    return textsOf(answer).some((text) => changeText(changes, text) !== text) ? refusal : packet;
  }

  #refusal(id: number, seq: number, error: GatewayError, code: number): ResponseOutput {
    const words = sentence(error, this.#session);
    const answer = this.#response(seq, [status(id, code, words)], { 'error.type': error.code });
    if (this.#linesLeft === 0) {
      return answer;
    }
    this.#linesLeft -= 1;
    return { ...answer, bytes: [saying(this.#channel, words, false), ...answer.bytes] };
  }

  #response(request: number, packets: readonly Buffer[], attributes: Attributes): ResponseOutput {
    const bytes = packets.map((packet) => data(this.#channel, packet));
    return { type: 'response', meta: { request, attributes }, bytes, continues: false, isEnd: true };
  }
}

/** Returns an operation as it is asked for where policy changes texts of it: it is refused if a text of it would be another one, and nothing of it is kept then. */
function changed(
  output: RequestOutput,
  { name, effects, writes, path, otherPath }: Operation,
  { place, change }: { readonly place: Place; readonly change: Parameters<NonNullable<RequestOutput['change']>>[0] },
): RequestOutput {
  const texts = [path?.toString() ?? '', otherPath?.toString() ?? '', place.path ?? '', place.otherPath ?? ''];
  const isChanged = texts.some((text) => changeText(change.texts, text, ['=path']) !== text);
  if (!isChanged && (writes === undefined || writes.bytes.length === 0)) {
    return { ...output, relation: { change } };
  }
  const refused = 'policy changes texts of this request, and those of SFTP cannot be changed';
  return { ...output, action: { name, attributes: { [ownAttributes.effects]: effects } }, bytes: [], refused };
}

/** Returns the attributes of an operation. Those of reads and writes in the same MiB of one file are the same object each time. */
function attributesOf({ name, effects: own, reads, writes }: Operation, { path, otherPath, file }: Place): Attributes {
  const effects = name === 'ssh.sftp.close' && file !== null ? file.closing : own;
  const offset = reads?.offset ?? writes?.offset;
  const mebibytes = offset === undefined ? undefined : Math.floor(offset / mebibyte);
  const known = file?.attributes.get(name);
  if (known !== undefined && known[ownAttributes.effects] === effects && known[ownAttributes.fileOffsetMebibytes] === mebibytes && otherPath === null) {
    return known;
  }
  const attributes: Attributes = {
    [ownAttributes.effects]: effects,
    ...(path === null ? {} : { 'file.path': path }),
    ...(otherPath === null ? {} : { [ownAttributes.fileOtherPath]: otherPath }),
    ...(mebibytes === undefined ? {} : { [ownAttributes.fileOffsetMebibytes]: mebibytes }),
  };
  file?.attributes.set(name, attributes);
  return attributes;
}

function movedOf({ read, written }: Opened): Attributes {
  return { ...read.attributes('read'), ...written.attributes('written') };
}

/** Looks for values in what was read, together with the end of what was read before it. */
function lookAt(changes: readonly TextChange[], file: Opened | null, offset: number, bytes: Buffer): void {
  if (bytes.length > lookedBytesMax || !isUtf8(bytes)) {
    changes.forEach((each) => each.look?.missed());
  }
  if (bytes.length <= lookedBytesMax) {
    const text = bytes.toString();
    const before = file?.looked.end === offset ? file.looked.text : '';
    changeText(changes, before + text);
    if (file !== null) {
      file.looked = { end: offset + bytes.length, text: (before + text).slice(-lookedBeforeCharacters) };
    }
  }
}

/** Returns the texts of an answer that a client could read. */
function textsOf(answer: Answer): readonly string[] {
  switch (answer.kind) {
    case 'name':
      return answer.names.flatMap(({ name, line }) => [name.toString(), line.toString()]);
    case 'extendedReply':
      return [answer.body.toString()];
    default:
      return [];
  }
}

/** Returns the directory in which relative paths begin. Null: the target does not say it, or in a form that is no path from the root. */
function homeIn(answer: Answer): string | null {
  if (answer.id !== homeId || (answer.kind !== 'name' && answer.kind !== 'status')) {
    throw new GatewayError('malformed', 'The target of SFTP answers what nobody asked.');
  }
  const name = answer.kind === 'name' ? answer.names[0]?.name : undefined;
  const home = name?.[0] === 0x2f ? plainPath(name, null) : null;
  return home !== null && 'path' in home ? home.path : null;
}

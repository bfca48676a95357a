import { createHash, hash } from 'node:crypto';
import { messagesOf, type Unit } from './client-units.ts';
import { frameHeaderBytes } from './codec.ts';
import { frontend } from './messages.ts';

/** The meaning of the names in a unit that are not its own. */
export interface Meaning {
  /** The digest of what it executes by the name of a statement or a portal. Null: it is not known. Undefined: it refers to none outside itself. */
  readonly referred: string | null | undefined;
  /** The texts that its own texts execute by a name. */
  readonly texts: readonly string[];
  /** The session and the records in which alone the unit means this. Null: it is sure what it means, in each session. */
  readonly onlyIn: unknown;
}

/** Returns the digest of a Parse: of its text and the types of its parameters. The name of the statement is only a handle, and does not count. */
export function parseDigest(parse: Buffer): string {
  return hash('sha256', parse.subarray(parse.indexOf(0, frameHeaderBytes) + 1));
}

/** Returns the digest of a Bind and of what it binds. */
export function bindDigest(statement: string, bind: Buffer): string {
  return hash('sha256', Buffer.concat([Buffer.from(statement), withoutStatement(bind)]));
}

/**
 * Returns the bytes by which a unit is known again, on another connection too. A unit that has its Parse with it and one that names a statement that was prepared
 * have the same bytes if both run the same text with the same values: drivers send the one at first and the other from then on.
 */
export function knownUnit({ kind, bytes, changes }: Unit, { referred, texts, onlyIn }: Meaning): readonly Uint8Array[] {
  const messages = kind === 'execute' ? [...messagesOf(bytes)] : [];
  const isOfType = (wanted: number) => (message: Buffer) => message[0] === wanted;
  const [parse, ...parses] = messages.filter(isOfType(frontend.parse));
  const [bind, ...binds] = messages.filter(isOfType(frontend.bind));
  const isExecuted = changes.some((change) => change.kind === 'bind' && change.name === changes.at(-1)?.name);
  const isPlain = parses.length === 0 && bind !== undefined && binds.length === 0 && isExecuted;
  const executed = parse !== undefined && isPlain && referred === undefined ? parseDigest(parse) : referred;
  if (executed === undefined && texts.length === 0 && onlyIn === null) {
    return bytes;
  }
  const isShortened = isPlain && (parse === undefined || referred === undefined);
  const known = isShortened ? messages.filter((message) => message !== parse).map((message) => (message === bind ? withoutStatement(bind) : message)) : bytes;
  const meaning = JSON.stringify([executed ?? null, texts, onlyIn, isShortened]);
  // No message begins with a zero, so no other request has these bytes.
  return [Buffer.concat([Buffer.of(0), createHash('sha256').update(meaning).digest()]), ...known];
}

/** Returns a Bind without the name of its statement. */
function withoutStatement(bind: Buffer): Buffer {
  const statement = bind.indexOf(0, frameHeaderBytes) + 1;
  const after = bind.indexOf(0, statement);
  return Buffer.concat([Buffer.of(frontend.bind), bind.subarray(frameHeaderBytes, statement), lengthOf(bind.length - after), bind.subarray(after)]);
}

function lengthOf(length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  return bytes;
}

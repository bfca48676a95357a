/** The clear JSON bodies of governance leaves. Normative: docs/formats/leaf.md. */
import type { LeafKind } from './leaf.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8 } from './text.ts';

const governanceBodyBytesMax = 64 * 1024;

export type GovernanceBody = Readonly<Record<string, unknown>>;

export interface EpochBody {
  readonly epoch: number;
  /** How the epoch before ended; null in the first epoch. */
  readonly previous: { readonly epoch: number; readonly clean: boolean } | null;
  /** The loss that the operator accepted when the gateway continued; null if nothing was lost. */
  readonly rollback: Rollback | null;
  /** The backup from which the store was restored before the epoch; null if it was not. */
  readonly restored: RestoredFrom | null;
}

export interface RestoredFrom {
  /** Number of records in the backup. */
  readonly size: number;
  /** SHA-256 of its checkpoint note, as 64 hex digits. */
  readonly note: string;
}

export interface Rollback {
  /** The number of records that were known to exist; null if none of them is missing. */
  readonly records: number | null;
  /** The number of the newest key that was announced and is lost; null if none is lost. */
  readonly key: number | null;
}

/** A time in which the gateway recorded nothing, as the gateway itself states. */
export interface Pause {
  /** Unix ms of the last sign of life before the pause. The clock may have been set, so `to` may be before `from`. */
  readonly from: number;
  readonly to: number;
  /** The length of the pause in ms, by a clock that nobody can set. That clock may stand still while the machine sleeps. */
  readonly monotonic: number;
}

export interface SealBody {
  readonly segment: number;
  readonly bytes: number;
  readonly first: number;
  readonly records: number;
  /** 64 hex digits. */
  readonly chain: string;
}

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === 'string';
const isHash: Check = (value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);

/** A retention class and an expiry day. */
const isClassDay: Check = (value) => isTuple(value, [isCount, isCount]);
const isDays: Check = (value) => value === null || isCount(value);

function isTuple(value: unknown, checks: readonly Check[]): boolean {
  return Array.isArray(value) && value.length === checks.length && checks.every((check, i) => check(value[i]));
}

function listOf(...checks: readonly Check[]): Check {
  return (value) => Array.isArray(value) && value.every((each) => isTuple(each, checks));
}

function orAbsent(check: Check): Check {
  return (value) => value === undefined || check(value);
}

function oneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

function isObject(value: unknown): value is GovernanceBody {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type Shape = Readonly<Record<string, Check>>;

/** The members that the body of each kind must have. Other members may follow them. */
const shapes: Partial<Record<LeafKind, Shape>> = {
  epoch: {
    epoch: isCount,
    software: isText,
    previous: (value) => value === null || isObject(value),
    meta: orAbsent(isClassDay),
    content: orAbsent(isClassDay),
  },
  open: { secrets: isHash, key: (value) => isCount(value) || isText(value), meta: orAbsent(isClassDay), content: orAbsent(isClassDay) },
  secrets: { secrets: isHash, key: isCount, meta: isClassDay, content: isClassDay },
  close: { records: isCount, reason: isText },
  heartbeat: { sessions: isCount },
  pause: { from: isCount, to: isCount, monotonic: isCount },
  seal: { segment: isCount, bytes: isCount, first: isCount, records: isCount, chain: isHash },
  key: { class: isCount, day: isCount, wrapped: isHash },
  incident: { code: isText },
  access: { what: isText, session: (value) => value === null || isText(value) },
  keep: { class: isCount, content: isDays, facts: isDays, floor: isDays },
  wrap: { class: isCount, day: isCount, wraps: listOf(isCount, oneOf(1, 2), isHash) },
  hold: { what: oneOf('create', 'release'), class: isCount },
  signer: { vkey: isText },
};

/** The members of an `erasure`, by its phase. */
const erasureShapes: Readonly<Record<'intent' | 'complete', Shape>> = {
  intent: {
    phase: isText,
    cause: oneOf('expired', 'erased', 'released'),
    keys: listOf(isCount, isCount, isHash),
    secrets: listOf(isCount, oneOf(1, 2)),
    copies: (value) => Array.isArray(value) && value.every(isText),
  },
  complete: { phase: oneOf('complete'), intent: isCount, kept: orAbsent(listOf(isCount, oneOf(1, 2))) },
};

function shapeOf(kind: LeafKind, body: GovernanceBody): Shape {
  return kind === 'erasure' ? erasureShapes[body['phase'] === 'intent' ? 'intent' : 'complete'] : (shapes[kind] ?? {});
}

/**
 * Parses a JSON object that is spelled exactly as `JSON.stringify` prints it, so no member occurs twice, and that has the members of its kind. Throws
 * `MalformedError`.
 */
export function parseGovernanceBody(kind: LeafKind, bytes: Uint8Array): GovernanceBody {
  if (bytes.length > governanceBodyBytesMax) {
    throw new MalformedError(`body of ${kind} too long`);
  }
  const text = decodeUtf8(bytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new MalformedError(`body of ${kind} is not JSON`);
  }
  if (!isObject(body) || JSON.stringify(body) !== text) {
    throw new MalformedError(`body of ${kind} is not an object in the canonical form`);
  }
  for (const [name, check] of Object.entries(shapeOf(kind, body))) {
    if (!check(body[name])) {
      throw new MalformedError(`body of ${kind} without a proper "${name}"`);
    }
  }
  return body;
}

/** Returns the number of records that the body of a `close` names. Throws `MalformedError`. */
export function parseCloseRecords(bytes: Uint8Array): number {
  return Number(parseGovernanceBody('close', bytes)['records']);
}

/** Parses the body of an `epoch`. Throws `MalformedError`. */
export function parseEpochBody(bytes: Uint8Array): EpochBody {
  const { epoch, previous, rollback: declared, restored: from } = parseGovernanceBody('epoch', bytes);
  const rollback = declared === undefined ? null : parseRollback(declared);
  const restored = from === undefined ? null : parseRestored(from);
  if (!isObject(previous)) {
    return { epoch: Number(epoch), previous: null, rollback, restored };
  }
  const counts = ['epoch', 'sessionsLeftOpen', 'requestsWithoutOutcome', 'tornBytes'];
  if (typeof previous['clean'] !== 'boolean' || !counts.every((name) => isCount(previous[name]))) {
    throw new MalformedError('body of epoch without a proper "previous"');
  }
  return {
    epoch: Number(epoch),
    previous: { epoch: Number(previous['epoch']), clean: previous['clean'] },
    rollback,
    restored,
  };
}

function parseRestored(from: unknown): RestoredFrom {
  if (!isObject(from) || !isCount(from['size']) || !isHash(from['note'])) {
    throw new MalformedError('body of epoch without a proper "restored"');
  }
  return { size: Number(from['size']), note: String(from['note']) };
}

function parseRollback(declared: unknown): Rollback {
  const { records = null, key = null } = isObject(declared) ? declared : {};
  if (!isObject(declared) || ![records, key].every((value) => value === null || isCount(value))) {
    throw new MalformedError('body of epoch without a proper "rollback"');
  }
  return { records: records === null ? null : Number(records), key: key === null ? null : Number(key) };
}

/** Parses the body of a `pause`. Throws `MalformedError`. */
export function parsePauseBody(bytes: Uint8Array): Pause {
  const { from, to, monotonic } = parseGovernanceBody('pause', bytes);
  return { from: Number(from), to: Number(to), monotonic: Number(monotonic) };
}

/** Parses the body of a `seal`. Throws `MalformedError`. */
export function parseSealBody(bytes: Uint8Array): SealBody {
  const body = parseGovernanceBody('seal', bytes);
  return {
    segment: Number(body['segment']),
    bytes: Number(body['bytes']),
    first: Number(body['first']),
    records: Number(body['records']),
    chain: String(body['chain']),
  };
}

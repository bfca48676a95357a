import { setImmediate } from 'node:timers/promises';
import type { Action, Attributes } from '../domain/action.ts';
import type { Obligation } from '../domain/decision.ts';
import type { FollowedValue, FollowedValues } from '../domain/followed-values.ts';
import { printFollowed } from '../domain/followed-values.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import { unknownClass } from '../domain/seen.ts';
import type { Target } from '../domain/target.ts';
import type { Slices, TextChange } from '../domain/text-change.ts';
import type { NestedClasses } from '../classes/class-sets.ts';
import { atOnce, inTurns } from '../content/in-turns.ts';
import { findIn, type Found } from '../classes/text-scan.ts';
import { classesInHead, headOf } from '../controls/masks/readable-head.ts';
import type { FoundValues } from './prints.ts';
import { textLook, type LookParts } from './text-look.ts';
import { methodsOf } from '../policy/mask-text.ts';

/** Most values of one request that its record names one by one. */
const carriedMax = 100;
/** Most requests in parts of which the end of the last part is remembered. */
const partedMax = 1024;
/** So many bytes of the last part are remembered. A value may begin in them. */
const overlapBytes = 4096;
/** Most bytes of a request, or of a part of it, in which values are looked for: it takes the time of all clients. */
const lookedBytesMax = 16 * 1024 * 1024;
/** A longer text is looked at in slices of so many characters, and several slices in several turns of the event loop. */
const sliceUnits = 16 * 1024;
const slicesAtOnceMax = 2;
/** The members of a longer request are not looked at one by one, because they are found in one turn. */
const membersUnitsMax = 1024 * 1024;

const endOfHead = '\r\n\r\n';
/** The header that names the target, the first one of a head. Its value is the gateway's own. */
const hostLine = /\r\nhost:[^\r\n]*/i;
const noNames: readonly string[] = [];
const nothing = Buffer.alloc(0);
const nothingSeen: readonly Found[] = [];
const nothingFound: FoundValues = { values: new Set(), isWhole: true };
const nothingLooked: Looked = { classes: noNames, isInspected: true, ...nothingFound };
/** The frames of WebSocket that are no part of a message. */
const controlFrames: ReadonlySet<string> = new Set(['close', 'ping', 'pong']);

/** The values of a request, as they are known before it is decided on. */
export interface AskedValues {
  /** Attributes for the record of the request, by which policy decides. */
  readonly attributes: Attributes;
  readonly carried: readonly FollowedValue[];
}

/** Looks for values of data classes in what goes over one channel: of the classes for which the target is inspected, and of those that the session saw before. */
export class Inspection {
  readonly #parts: LookParts;
  /** The end of the last part of a request that comes in parts, by the request. */
  readonly #lastParts = new Map<number, Buffer>();

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  /**
   * Looks at a request. `partOf` is the request of which it is a further part. Returns null if nothing is to be said of it. A long request is looked at in several turns
   * of the event loop, because that takes time.
   */
  ask(
    action: Action,
    bytes: readonly Uint8Array[],
    { target, followed, partOf }: { readonly target: Target; readonly followed: FollowedValues; readonly partOf: number | undefined },
  ): AskedValues | null | Promise<AskedValues | null> {
    const { inspect = noNames } = target;
    if (inspect.length === 0 && followed.isEmpty) {
      return null;
    }
    const texts = this.#read(action, bytes, partOf);
    if (texts === null) {
      return told({ classes: [], values: new Set(), isInspected: inspect.length === 0, isWhole: followed.isEmpty });
    }
    const asked = { nested: inspect.length === 0 ? null : this.#parts.nestedClasses(inspect), followed: followed.isEmpty ? null : followed };
    // A further part has no head, whatever it looks like.
    const head = partOf === undefined ? headOf(bytes) : null;
    const inHead = asked.nested === null || head === null ? noNames : classesInHead(head, asked.nested.set);
    const known = {
      classes: inHead.flatMap((name) => asked.nested?.namesOf(name) ?? noNames),
      isInspected: asked.nested === null || (action.text?.().isWhole !== false && !inHead.includes(unknownClass)),
      ...nothingFound,
    };
    const members = this.#lookAtMembers(action, texts, target);
    const rest = head === null ? texts.own : texts.own.slice(texts.own.indexOf(endOfHead));
    const sent = head === null || asked.followed === null ? texts.own : texts.own.replace(hostLine, '');
    const slices = [
      ...(asked.nested === null ? [] : slicesOf(rest).map((text) => ({ text, nested: asked.nested, followed: null }))),
      ...(asked.followed === null ? [] : slicesOf(sent).map((text) => ({ text, nested: null, followed: asked.followed }))),
    ];
    const seam = texts.last === '' ? nothingLooked : this.#seam(texts, asked);
    return slices.length <= slicesAtOnceMax
      ? told(joined([known, atOnce(members), ...slices.map((slice) => this.#look(slice)), seam]))
      : inTurns(members).then(async (ofMembers) => told(joined([known, ofMembers, ...(await this.#inTurns(slices)), seam])));
  }

  /** Returns the classes that are looked for in the answer to a request with these obligations. What policy masks does not reach the client, so nobody looks for it. */
  classes(obligations: readonly Obligation[], { inspect = noNames }: Target): readonly string[] {
    const masked = inspect.length === 0 ? noNames : obligations.flatMap((each) => (each.kind === 'mask' ? [...methodsOf(each).keys()] : noNames));
    return masked.length === 0 ? inspect : inspect.filter((each) => !masked.includes(each));
  }

  /** Returns a look at an answer of a target. */
  look(classes: readonly string[], { name }: Target): TextChange {
    return textLook(classes, name, this.#parts);
  }

  /** Looks for the classes of values by the members of JSON in which they are. A request is not inspected if the members are not known, or if there may be too many. */
  *#lookAtMembers({ look }: Action, { own }: SentText, { name, inspect = noNames }: Target): Slices<Looked> {
    if (!this.#parts.classesOf(name, '/*').some((each) => inspect.includes(each))) {
      return nothingLooked;
    }
    const seen = textLook(inspect, name, this.#parts);
    const isFound = look !== undefined && own.length <= membersUnitsMax && (yield* look(seen));
    const { classes, isInspected } = seen.look?.seen() ?? { classes: noNames, isInspected: true };
    return { classes: isFound && isInspected ? classes : noNames, isInspected: isFound && isInspected, ...nothingFound };
  }

  /** Reads what is sent. Null: it cannot be read, or it is too long. */
  #read({ attributes, readable }: Action, bytes: readonly Uint8Array[], partOf: number | undefined): SentText | null {
    const read = readable === undefined ? Buffer.concat(bytes) : readable();
    if (read === null || read.length > lookedBytesMax) {
      return null;
    }
    const own = Buffer.from(read.buffer, read.byteOffset, read.length);
    const isControl = controlFrames.has(String(attributes[ownAttributes.websocketOpcode]));
    const last = partOf === undefined || isControl ? nothing : this.#lastPart(partOf, own);
    const seam = last.length === 0 ? '' : Buffer.concat([last, own.subarray(0, overlapBytes)]).toString();
    return { own: own.toString(), seam, last: last.toString() };
  }

  #look({ text, nested, followed }: Slice, isCut = false): Looked {
    const found = nested === null || text === '' ? nothingSeen : findIn(text, nested.set);
    const classes = found.flatMap(({ name }) => nested?.namesOf(name) ?? noNames);
    const { values, isWhole } = followed === null || text === '' ? nothingFound : this.#parts.prints.find(text, followed, isCut);
    return { classes, isInspected: !found.some(({ name }) => name === unknownClass), values, isWhole };
  }

  async #inTurns(slices: readonly Slice[]): Promise<readonly Looked[]> {
    const looked: Looked[] = [];
    for (const slice of slices) {
      await setImmediate();
      looked.push(this.#look(slice, true));
    }
    return looked;
  }

  /** Looks for what stands where two parts meet, and not in the first of them. */
  #seam({ seam, last }: SentText, asked: Omit<Slice, 'text'>): Looked {
    const before = this.#look({ ...asked, text: last }, true);
    const { classes, values } = this.#look({ ...asked, text: seam }, true);
    const over = [...values].filter((each) => !before.values.has(each));
    return { classes: classes.filter((each) => !before.classes.includes(each)), values: new Set(over), isInspected: true, isWhole: true };
  }

  /** Returns the end of the part before, and remembers that of this part. */
  #lastPart(partOf: number, own: Buffer): Buffer {
    const last = this.#lastParts.get(partOf) ?? nothing;
    this.#lastParts.delete(partOf);
    this.#lastParts.set(partOf, Buffer.concat([last, own.subarray(-overlapBytes)]).subarray(-overlapBytes));
    if (this.#lastParts.size > partedMax) {
      const [oldest = 0] = this.#lastParts.keys();
      this.#lastParts.delete(oldest);
    }
    return last;
  }
}

/** The text of a request or a part of it, the end of the part before, and both where they meet: a value that is cut over two parts stands there, and in none of them. */
interface SentText {
  readonly own: string;
  readonly seam: string;
  readonly last: string;
}

/** A text, and what is looked for in it. Null: no classes, or no values. */
interface Slice {
  readonly text: string;
  readonly nested: NestedClasses | null;
  readonly followed: FollowedValues | null;
}

/** The classes and the values that are in a text. */
interface Looked extends FoundValues {
  readonly classes: readonly string[];
  /** False if not all encodings in the text were undone. */
  readonly isInspected: boolean;
}

/** Cuts a long text into slices that overlap. */
function slicesOf(text: string): readonly string[] {
  return text.length <= sliceUnits
    ? [text]
    : Array.from({ length: Math.ceil(text.length / sliceUnits) }, (_, at) => text.slice(Math.max(0, at * sliceUnits - overlapBytes), (at + 1) * sliceUnits));
}

function joined(all: readonly Looked[]): Looked {
  const looked = all.filter((each) => each.classes.length + each.values.size > 0 || !each.isInspected || !each.isWhole);
  if (looked.length === 0) {
    return nothingLooked;
  }
  return {
    classes: [...new Set(looked.flatMap(({ classes }) => classes))].toSorted(),
    values: new Set(looked.flatMap(({ values }) => [...values])),
    isInspected: looked.every(({ isInspected }) => isInspected),
    isWhole: looked.every(({ isWhole }) => isWhole),
  };
}

/** Says what is in a request; null if that is nothing. */
function told({ classes, values, isInspected, isWhole }: Looked): AskedValues | null {
  if (classes.length + values.size === 0 && isInspected && isWhole) {
    return null;
  }
  const carried = [...values];
  const attributes = {
    ...(classes.length === 0 ? {} : { [ownAttributes.classes]: classes }),
    ...(isInspected ? {} : { [ownAttributes.inspected]: false }),
    ...carriedAttributes(carried, isWhole),
  };
  return { attributes, carried };
}

function carriedAttributes(carried: readonly FollowedValue[], isWhole: boolean): Attributes {
  const carries = new Set([...carried.flatMap(({ name, source }) => [name, source]), ...(isWhole ? [] : [unknownClass])]);
  return {
    ...(carries.size === 0 ? {} : { [ownAttributes.carries]: [...carries].toSorted() }),
    ...(carried.length === 0 ? {} : { [ownAttributes.carried]: carried.slice(0, carriedMax).map((each) => printFollowed(each)) }),
  };
}

/** Returns what a request carries of the values that were seen between two looks at it; null if nothing. */
export function newsOf(before: AskedValues | null, now: AskedValues | null): AskedValues | null {
  const carried = now?.carried.filter((each) => before?.carried.includes(each) !== true) ?? [];
  return carried.length === 0 ? null : { attributes: carriedAttributes(carried, true), carried };
}

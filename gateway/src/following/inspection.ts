import type { Action, Attributes } from '../domain/action.ts';
import type { Obligation } from '../domain/decision.ts';
import type { FollowedValue, FollowedValues } from '../domain/followed-values.ts';
import { printFollowed } from '../domain/followed-values.ts';
import { ownAttributes } from '../domain/own-attributes.ts';
import type { Target } from '../domain/target.ts';
import type { TextChange } from '../domain/text-change.ts';
import { findIn } from '../classes/text-scan.ts';
import { readableHead } from '../controls/masks/readable-head.ts';
import { textLook, type LookParts } from './text-look.ts';
import { methodsOf } from '../policy/mask-text.ts';

/** Most values of one request that its record names one by one. */
const carriedMax = 100;
/** Most requests in parts of which the end of the last part is remembered. A value may begin in it. */
const partedMax = 64;
/** So many characters of the last part are remembered. */
const overlapUnits = 1024;

const endOfHead = '\r\n\r\n';
const noNames: readonly string[] = [];

/** The values of a request, as they are known before it is decided on. */
export interface AskedValues {
  /** Attributes for the record of the request, by which policy decides. */
  readonly attributes: Attributes;
  readonly carried: readonly FollowedValue[];
}

/** Looks for values of data classes in what goes over one channel: of the classes for which the target is inspected, and of those that the session saw before. */
export class Inspection {
  readonly #parts: LookParts;
  /** The last part of a request that comes in parts, by the request. */
  readonly #lastParts = new Map<number, string>();

  constructor(parts: LookParts) {
    this.#parts = parts;
  }

  /** Looks at a request. `partOf` is the request of which it is a further part. Returns null if nothing is to be said of it. */
  ask(
    { text, attributes }: Action,
    bytes: readonly Uint8Array[],
    { target: { inspect = noNames }, followed, partOf }: { readonly target: Target; readonly followed: FollowedValues; readonly partOf: number | undefined },
  ): AskedValues | null {
    if (inspect.length === 0 && followed.isEmpty) {
      return null;
    }
    const said = text?.() ?? null;
    const pieces = said?.pieces.map((piece) => piece.text) ?? [];
    const sent = this.#sent(bytes, partOf);
    const carried = followed.isEmpty ? [] : this.#carried([sent, ...pieces], followed);
    const set = this.#parts.classSet(inspect);
    const texts = inspect.length === 0 ? [] : said?.isWhole === true ? pieces : [...pieces, readable(sent, bytes)];
    const classes = [...new Set(texts.flatMap((each) => findIn(each, set).map(({ name }) => name)))].toSorted();
    const isUnseen = inspect.length > 0 && (said === null ? isEncoded(sent) || attributes[ownAttributes.websocketOpcode] !== undefined : !said.isWhole);
    if (classes.length + carried.length === 0 && !isUnseen) {
      return null;
    }
    const names = new Set(carried.flatMap(({ name, source }) => [name, source]));
    const facts = {
      ...(classes.length === 0 ? {} : { [ownAttributes.classes]: classes }),
      ...(isUnseen ? { [ownAttributes.inspected]: false } : {}),
      ...(names.size === 0
        ? {}
        : { [ownAttributes.carries]: [...names].toSorted(), [ownAttributes.carried]: carried.slice(0, carriedMax).map((each) => printFollowed(each)) }),
    };
    return { attributes: facts, carried };
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

  #carried(texts: readonly string[], followed: FollowedValues): readonly FollowedValue[] {
    const found = new Set<FollowedValue>();
    for (const text of texts) {
      for (const value of this.#parts.prints.find(text, followed)) {
        found.add(value);
      }
    }
    return [...found];
  }

  /** Returns the bytes of a request as text, with the end of the part before. */
  #sent(bytes: readonly Uint8Array[], partOf: number | undefined): string {
    const own = Buffer.concat(bytes).toString();
    if (partOf === undefined) {
      return own;
    }
    const sent = (this.#lastParts.get(partOf) ?? '') + own;
    this.#lastParts.delete(partOf);
    this.#lastParts.set(partOf, sent.slice(-overlapUnits));
    if (this.#lastParts.size > partedMax) {
      const [oldest = 0] = this.#lastParts.keys();
      this.#lastParts.delete(oldest);
    }
    return sent;
  }
}

/** Returns what was sent without what is not for people to read: credentials, and the name of the target. */
function readable(sent: string, bytes: readonly Uint8Array[]): string {
  const head = readableHead(bytes);
  return head === null ? sent : `${head}\n${sent.slice(sent.indexOf(endOfHead))}`;
}

/** True if a request over HTTP has a body that is compressed. */
function isEncoded(sent: string): boolean {
  return /\r\ncontent-encoding: *(?!identity)[^\r]/i.test(sent.slice(0, sent.indexOf(endOfHead)));
}

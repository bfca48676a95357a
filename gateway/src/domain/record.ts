import type { AttributeValue, Attributes } from './action.ts';
import type { Obligation, Verdict } from './decision.ts';
import { ownAttributes } from './own-attributes.ts';
import type { TargetFacts } from './target.ts';

/** The kinds of record that a protocol or a control makes; governance kinds are the recorder's own. A `decision` has a verdict. An `event` has none: it happened and nobody was asked. */
export type RecordKind = 'request' | 'response' | 'decision' | 'event' | 'approval' | 'mask' | 'alert';

/** Action of what the command of a run prints: no protocol's, and read as text. */
export const processOutput = 'process.output';

/** Before a value: it stands unless something was told of its key before. */
export const unlessToldMark = '?';
/** One record holds at most `toldMax` texts with `toldLengthMax` characters together: less than its facts may hold. */
const toldMax = 200;
const toldLengthMax = 24 * 1024;

/** The texts in groups that fit one record each. One that fits none is left out: what is told is of names, and no name is as long. */
export function inRecords(texts: readonly string[]): readonly (readonly string[])[] {
  const groups: string[][] = [];
  let room = 0;
  for (const text of texts.filter(({ length }) => length <= toldLengthMax)) {
    const group = groups.at(-1);
    if (group === undefined || group.length >= toldMax || text.length > room) {
      groups.push([text]);
      room = toldLengthMax - text.length;
    } else {
      group.push(text);
      room -= text.length;
    }
  }
  return groups;
}

/**
 * The sealed facts of a record. Kept small: what all records of a channel share (principal, client, target) is
 * stated once, by the record that opened the channel, and joined on reading.
 */
export interface RecordMeta {
  readonly channel: number;
  readonly action?: string;
  readonly verdict?: Verdict;
  readonly policies?: readonly string[];
  readonly policyVersion?: string;
  readonly reason?: string;
  /** What policy asked for beside its verdict. */
  readonly obligations?: readonly Obligation[];
  /** Sequence number of the request this record answers or continues. */
  readonly request?: number;
  readonly attributes?: Attributes;
  /** Only on the record that opens a channel. */
  readonly opens?: ChannelFacts;
}

/** The facts of a channel: whose it is, and what it leads to. They are sealed with the facts of the session. */
export interface ChannelFacts {
  readonly principal: string;
  readonly principalKind: 'human' | 'agent';
  readonly groups: readonly string[];
  readonly onBehalfOf?: string;
  readonly tokenId: string;
  readonly clientAddress: string;
  readonly target: string;
  readonly protocol: string;
  readonly durability: string;
  /** The target as it was then; of a run all that it was given. */
  readonly targets?: readonly TargetFacts[];
}

/** The facts of a channel that a reader needs. */
export type KnownChannel = Pick<ChannelFacts, 'principal' | 'groups' | 'onBehalfOf' | 'clientAddress' | 'target' | 'protocol' | 'targets'>;

/** The facts of a record as a reader gets them: of a store, or of a bundle that may be anybody's. */
export interface ReadMeta extends Omit<RecordMeta, 'verdict' | 'opens'> {
  readonly verdict?: string;
  readonly opens?: KnownChannel;
}

/** A record as a reader gets it: opened, checked against its leaf, joined with its channel. */
export interface OpenedRecord {
  readonly session: string;
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: string;
  /** `LOG/INDEX` */
  readonly record: string;
  readonly meta: ReadMeta | null;
  readonly channelFacts: KnownChannel | null;
  /** Body of a governance leaf. */
  readonly governance: Readonly<Record<string, unknown>> | null;
  /** The exact bytes; null when the record has none, or when they cannot be had (see `withheld`). */
  readonly content: Uint8Array | null;
  readonly continues: boolean;
  /** Why a body is not here: `erased` key, `mismatch` between body and commitment, or `not_in_bundle`. */
  readonly withheld: 'erased' | 'mismatch' | 'not_in_bundle' | null;
}

/** The limit of characters in a rendering. All of one record fits, also where each of its bytes takes four characters. The program that prints it cuts it for people. */
export const renderedCharactersMax = 4 * 1024 * 1024;

/** Recorded bytes as a protocol makes them readable for people: see `render.ts` in each protocol folder. */
export interface Rendering {
  readonly mediaType: string;
  /** Text for the terminal and the console, control characters still raw: whoever prints it escapes it. */
  readonly text: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
}

/** A rendering that is not cut, of a text that is not longer than what is held in any case. */
export function wholeRendering(text: string, attributes: Rendering['attributes']): Rendering {
  return { mediaType: 'text/plain; charset=utf-8', text, attributes };
}

/** Text as it is, cut at the limit of a rendering; that it was cut is an attribute. */
export function plainRendering(text: string, attributes: Rendering['attributes']): Rendering {
  const leftOut = text.length - renderedCharactersMax;
  return leftOut <= 0
    ? wholeRendering(text, attributes)
    : wholeRendering(`${text.slice(0, renderedCharactersMax)}… ${leftOut} characters more`, { ...attributes, [ownAttributes.isWhole]: false });
}

import { countOf } from './count-of.ts';
import type { AttributeValue, Attributes } from './action.ts';
import type { Obligation, Observed, Verdict } from './decision.ts';
import { ownAttributes } from './own-attributes.ts';
import type { TargetFacts } from './target.ts';

/**
 * The kinds of record that protocols and controls make. The recorder makes the governance kinds. A `decision` has a verdict. An `event` has none: it happened,
 * and nobody was asked.
 */
export type RecordKind = 'request' | 'response' | 'decision' | 'event' | 'approval' | 'mask' | 'alert';

/** The action of records with the output of a run's command. It belongs to no protocol, and its content is text. */
export const processOutput = 'process.output';

/** The action of the record with the facts of a run. It is in no session but that of a run, before anything that the run does. */
export const runAction = 'gateway.run';
/** The action of the records that name the session before, and the one after, of an activity in several sessions. */
export const continueSession = 'gateway.continue_session';
/** The action of the record with which a channel ends. */
export const disconnectAction = 'gateway.disconnect';

/** A mark before a value. A value with this mark counts only if nothing was told about its key before. */
export const unlessToldMark = '?';
/** Most texts in one record. Together they have at most `toldLengthMax` characters, which is less than the facts of a record may hold. */
const toldMax = 200;
const toldLengthMax = 24 * 1024;

/** Divides texts into groups that each fit into one record. A text that fits into none is left out; the texts are about names, which are never that long. */
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
 * The sealed facts of a record. They are kept short: what all records of a channel share (principal, client, target) is only in the record that opened the
 * channel, and is added on reading.
 */
export interface RecordMeta {
  readonly channel: number;
  readonly action?: string;
  readonly verdict?: Verdict;
  readonly policies?: readonly string[];
  readonly policyVersion?: string;
  readonly reason?: string;
  /** The demands of policy beside its verdict. */
  readonly obligations?: readonly Obligation[];
  /** The decision that would have been made if policies that are only observed were enforced. Absent: the same. */
  readonly observed?: Observed;
  /** True if the request was refused before it was decided on, because what is needed for that was still being read. Absent: it was decided on. */
  readonly undecided?: true;
  /** Sequence number of the request that this record answers or continues. */
  readonly request?: number;
  readonly attributes?: Attributes;
  /** The facts of the channel. Only on the record that opens it. */
  readonly opens?: ChannelFacts;
}

/** The facts of a channel: to whom it belongs, and where it leads. They are sealed together with the facts of the session. */
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
  /** True if the session is one of the activity of its token: the next session of the token may continue it. Absent: false. */
  readonly isActivity?: boolean;
  /** The id of the activity, if it is not that of its token alone. */
  readonly activity?: string;
  /** The target as it was then. For a run, all targets that it was given. */
  readonly targets?: readonly TargetFacts[];
}

/** The facts of a channel that readers need. */
export type KnownChannel = Pick<ChannelFacts, 'principal' | 'groups' | 'onBehalfOf' | 'clientAddress' | 'target' | 'protocol' | 'targets'> &
  Partial<Pick<ChannelFacts, 'tokenId' | 'isActivity' | 'activity'>> & { readonly principalKind?: string };

/** A decision that was not carried out, as a reader gets it. */
export interface ReadObserved extends Omit<Observed, 'verdict'> {
  readonly verdict: string;
}

/** The facts of a record as a reader gets them, from a store or from a bundle that anybody may have made. */
export interface ReadMeta extends Omit<RecordMeta, 'verdict' | 'opens' | 'observed'> {
  readonly verdict?: string;
  readonly observed?: ReadObserved;
  readonly opens?: KnownChannel;
}

/** A record as a reader gets it: opened, checked against its leaf, and joined with the facts of its channel. */
export interface OpenedRecord {
  readonly session: string;
  readonly seq: number;
  readonly timeMs: number;
  readonly kind: string;
  /** The name of the record in the log: `LOG/INDEX`. */
  readonly record: string;
  readonly meta: ReadMeta | null;
  readonly channelFacts: KnownChannel | null;
  /** The body of a governance leaf. */
  readonly governance: Readonly<Record<string, unknown>> | null;
  /** The exact bytes. Null if the record has none, or if they are not available (see `withheld`). */
  readonly content: Uint8Array | null;
  readonly continues: boolean;
  /** Why a body is missing: its key was `erased`, there is a `mismatch` between body and commitment, it is `not_in_bundle`, or it was `not_kept` because policy keeps the facts alone. */
  readonly withheld: 'erased' | 'mismatch' | 'not_in_bundle' | 'not_kept' | null;
}

/**
 * Most characters of a rendering. One whole record fits, even if each of its bytes becomes four characters. The program that prints it cuts it further for
 * people.
 */
export const renderedCharactersMax = 4 * 1024 * 1024;

/** Recorded bytes in a form that people can read. Each protocol makes it in its `render.ts`. */
export interface Rendering {
  readonly mediaType: string;
  /** The text for the terminal and the console. Control characters in it are raw: the code that prints it must escape them. */
  readonly text: string;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** Returns the rows of an answer, for who shows them as such. Absent: it has none. */
  readonly tables?: () => readonly RenderedTable[];
}

/** Rows with their columns. A text is as in the rendering, where it may be cut, and so may the rows. */
export interface RenderedTable {
  /** The names of the columns. Null: they are not known. */
  readonly columns: readonly string[] | null;
  readonly rows: readonly (readonly string[])[];
}

/** Makes a rendering of a text that needs no cutting, because it is no longer than a record. */
export function wholeRendering(text: string, attributes: Rendering['attributes']): Rendering {
  return { mediaType: 'text/plain; charset=utf-8', text, attributes };
}

/** Makes a rendering of a text, cut at the limit. An attribute says if it was cut. */
export function plainRendering(text: string, attributes: Rendering['attributes']): Rendering {
  const leftOut = text.length - renderedCharactersMax;
  return leftOut <= 0
    ? wholeRendering(text, attributes)
    : wholeRendering(`${text.slice(0, renderedCharactersMax)}… ${countOf(leftOut, 'character')} more`, { ...attributes, [ownAttributes.isWhole]: false });
}

import { ownAttributes } from '../domain/own-attributes.ts';
import { parseQuery } from '../query/parse-query.ts';
import type { Query } from '../query/query.ts';

/** Something that the records of a session may show, and how much that adds to its risk. */
interface Sign {
  /** The records that show it. */
  readonly query: string;
  /** How much one record adds to the risk, and all of them at most. */
  readonly each: number;
  readonly most: number;
  /** Why it counts. */
  readonly why: string;
  /** Says what was found in so many records. `classes` are the data classes in the session. */
  readonly words: (count: number, classes: readonly string[]) => string;
}

const massRows = 10_000;

/** The signs that are looked for in the records of a session. `docs/sessions.md` shows them. */
export const recordSigns = {
  alert: {
    query: 'kind:alert',
    each: 15,
    most: 45,
    why: 'A policy or the gateway itself asked for the attention of people.',
    words: (count) => `${alerts(count)} raised`,
  },
  'break-glass': {
    query: `kind:approval ${ownAttributes.approvalState}:spent ${ownAttributes.approvalBreakGlass}:*`,
    each: 50,
    most: 50,
    why: 'Who asked let it go on without its approval, in an emergency: somebody looks at it afterwards.',
    words: (count) => `${acts(count)} let through without approval, in an emergency`,
  },
  denied: {
    query: 'verdict:deny',
    each: 5,
    most: 25,
    why: 'Who is denied often tries what is not granted.',
    words: (count) => `${acts(count)} denied`,
  },
  unknown: {
    query: 'kind:request effect:unknown not verdict:deny',
    each: 5,
    most: 20,
    why: 'Nobody could say what the request does, so policies about its effects may have missed it.',
    words: (count) => `${acts(count)} allowed of which not all effects are known`,
  },
  destroyed: {
    query: 'kind:request effect:destroy not effect:unknown not verdict:deny',
    each: 5,
    most: 20,
    why: 'What is deleted may not come back.',
    words: (count) => `${acts(count)} allowed that delete`,
  },
  defined: {
    query: 'kind:request effect:(define or administer) not verdict:deny',
    each: 5,
    most: 20,
    why: 'A changed schema, right or setting holds for everybody and for later.',
    words: (count) => `${acts(count)} allowed that change definitions or rights`,
  },
  'classes-read': {
    query: 'kind:response class:*',
    each: 2,
    most: 20,
    why: 'Values of data classes came out of a target.',
    words: (count, classes) => `${answers(count)} values of data classes (${classes.join(', ')})`,
  },
  'mass-read': {
    query: `kind:response rows:>=${massRows}`,
    each: 10,
    most: 30,
    why: `An answer with ${massRows} rows or more takes much of a table along.`,
    words: (count) => `${answers(count)} ${massRows} rows or more`,
  },
} as const satisfies Readonly<Record<string, Sign>>;

export type RecordSign = keyof typeof recordSigns;

/** The sign that the time of a session's beginning shows. */
export const offHours = {
  weight: 5,
  words: 'it began outside of working hours (Monday to Friday, 7 to 19 UTC)',
  why: 'Few people look at what happens then.',
};

const workingHours = { from: 7, to: 19 };
const saturday = 6;

export function isOffHours(timeMs: number): boolean {
  const time = new Date(timeMs);
  const day = time.getUTCDay();
  const hour = time.getUTCHours();
  return day === 0 || day === saturday || hour < workingHours.from || hour >= workingHours.to;
}

/** The signs and their queries. They ask for no times. */
export const signQueries: readonly (readonly [RecordSign, Query])[] = Object.entries(recordSigns).map(
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table has no other keys
  ([name, { query }]) => [name as RecordSign, parseQuery(query, 0)] as const,
);

function acts(count: number): string {
  return count === 1 ? '1 act was' : `${count} acts were`;
}

function alerts(count: number): string {
  return count === 1 ? '1 alert was' : `${count} alerts were`;
}

function answers(count: number): string {
  return count === 1 ? '1 answer has' : `${count} answers have`;
}

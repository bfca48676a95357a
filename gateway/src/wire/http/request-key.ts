import { GatewayError } from '../../domain/errors.ts';
import type { Difference, RequestKey } from '../../domain/replay.ts';
import { canonicalJson } from './exact-json.ts';
import { headerOf, type RequestHead } from './reading.ts';
import { readRecordedRequest } from './recorded-http.ts';
import { decodeUtf8 } from './strict-json.ts';

/** Of a request's headers only these say what is asked for. All others are the client's own (its version, the date, how often it has tried, a key of its own making). */
const meaningful = ['accept', 'range'] as const;
const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const boundaryParameter = /;\s*boundary="?([^";]{1,200})"?/i;

/**
 * Takes out of a request's JSON what its clients make anew each time. What is an id, and the same throughout a run, it gives to `nameId`, and puts what comes back in its place.
 */
export type Change = (body: unknown, head: RequestHead, nameId: (id: string) => string) => unknown;

/**
 * What two recorded requests that ask the same have in common: method, address, the headers that matter, and the body, of JSON what it says and not how it is
 * written. Any bytes are acceptable input.
 */
export function requestKey(request: Buffer, change: Change = (body) => body): RequestKey {
  const read = readRecordedRequest(request);
  if (read === null) {
    return { text: request.toString('latin1'), ids: [] };
  }
  const { head, body } = read;
  const numbers = new Map<string, number>();
  const nameId = (id: string): string => {
    const number = numbers.get(id) ?? numbers.size + 1;
    numbers.set(id, number);
    return `#${number}`;
  };
  const type = headerOf(head.headers, 'content-type') ?? '';
  const lines = meaningful.map((name) => headerOf(head.headers, name) ?? '');
  const text = [head.method, head.path, ...lines, isJson(type) ? jsonKey(body, (value) => change(value, head, nameId)) : bodyKey(type, body)].join('\n');
  return { text, ids: [...numbers.keys()] };
}

/** Where two recorded requests first differ, as `requestKey` compares them; null where they do not. */
export function requestDifference(recorded: Buffer, asked: Buffer, change?: Change): Difference | null {
  const [was, is] = [requestKey(recorded, change), requestKey(asked, change)].map(({ text }) => linesOf(text));
  for (const [i, place] of places.entries()) {
    const [before, now] = [was?.[i] ?? '', is?.[i] ?? ''];
    if (before !== now) {
      const found = place === 'body' ? bodyDifference(before, now) : { at: place, recorded: before, asked: now, depth: alike(before, now) };
      return { at: found.at, recorded: found.recorded, asked: found.asked, nearness: i + found.depth };
    }
  }
  return null;
}

const places = ['method', 'path', ...meaningful, 'body'] as const;

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  return [...lines.slice(0, places.length - 1), lines.slice(places.length - 1).join('\n')];
}

interface Parting {
  readonly at: string;
  readonly recorded: string;
  readonly asked: string;
  /** How much is the same before it: 0 to 1. */
  readonly depth: number;
}

function bodyDifference(recorded: string, asked: string): Parting {
  const depth = alike(recorded, asked);
  try {
    return { ...firstDifference(JSON.parse(recorded), JSON.parse(asked), 'body'), depth };
  } catch {
    const same = sameBeginning(recorded, asked);
    return { at: `body, character ${same}`, recorded: recorded.slice(same), asked: asked.slice(same), depth };
  }
}

function alike(a: string, b: string): number {
  return sameBeginning(a, b) / Math.max(a.length, b.length, 1);
}

function sameBeginning(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) {
    at += 1;
  }
  return at;
}

/** Both are canonical, and not equal. */
function firstDifference(recorded: unknown, asked: unknown, at: string): Omit<Parting, 'depth'> {
  if (isContainer(recorded) && isContainer(asked) && Array.isArray(recorded) === Array.isArray(asked)) {
    const names = new Set([...Object.keys(recorded), ...Object.keys(asked)]);
    for (const name of names) {
      const [was, is] = [recorded[name], asked[name]];
      if (JSON.stringify(was) !== JSON.stringify(is)) {
        return firstDifference(was, is, Array.isArray(asked) ? `${at}[${name}]` : `${at}.${name}`);
      }
    }
  }
  return { at, recorded: JSON.stringify(recorded) ?? '(nothing)', asked: JSON.stringify(asked) ?? '(nothing)' };
}

function isContainer(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isJson(type: string): boolean {
  return jsonType.test(type);
}

/** JSON that parsers read differently is compared as it is. */
function jsonKey(body: Buffer, change: (body: unknown) => unknown): string {
  try {
    return canonicalJson(decodeUtf8(body), change);
  } catch (error) {
    if (error instanceof GatewayError) {
      return body.toString('latin1');
    }
    throw error;
  }
}

/** The line between the parts of a form is made anew for each. */
function bodyKey(type: string, body: Buffer): string {
  const text = body.toString('latin1');
  const [, boundary] = boundaryParameter.exec(type) ?? [];
  return boundary === undefined ? `${type}\n${text}` : `${type.replace(boundary, '')}\n${text.replaceAll(boundary, '')}`;
}

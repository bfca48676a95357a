import { GatewayError } from '../../domain/errors.ts';
import type { Difference, RequestKey } from '../../domain/replay.ts';
import { alike, textDifference } from '../../content/text-difference.ts';
import { canonicalJson } from '../../content/exact-json.ts';
import { headerOf, type RequestHead } from '../reading.ts';
import { readRecordedRequest } from './recorded-http.ts';
import { decodeUtf8 } from '../../content/strict-json.ts';

/** The headers that say what a request asks for. All others are about the client: its version, the date, the number of attempts, a key that it made. */
const meaningful = ['accept', 'range'] as const;
const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const boundaryParameter = /;\s*boundary="?([^";]{1,200})"?/i;

/**
 * Removes from a request's JSON what clients make anew each time. For an id that stays the same throughout a run it calls `nameId`, and puts the result in its
 * place.
 */
export type Change = (body: unknown, head: RequestHead, nameId: (id: string) => string) => unknown;

/**
 * Returns the key of a request. Two requests that ask the same have the same key. It covers the method, the address, the headers that matter, and the body; for
 * JSON only its meaning and not its spelling. Any bytes are acceptable input.
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

/** Finds the first difference between two requests by the texts of their keys. Null if they do not differ. */
export function requestDifference(recorded: string, asked: string): Difference | null {
  const [was, is] = [linesOf(recorded), linesOf(asked)];
  for (const [i, place] of places.entries()) {
    const [before, now] = [was[i] ?? '', is[i] ?? ''];
    if (before !== now) {
      const found = place === 'body' ? textDifference(before, now, place) : { at: place, recorded: before, asked: now, nearness: alike(before, now) };
      return { ...found, nearness: i + found.nearness };
    }
  }
  return null;
}

const places = ['method', 'path', ...meaningful, 'body'] as const;

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n');
  return [...lines.slice(0, places.length - 1), lines.slice(places.length - 1).join('\n')];
}

function isJson(type: string): boolean {
  return jsonType.test(type);
}

/** JSON that parsers read differently is compared as plain text. */
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

/** The line between the parts of a form is made anew for each request, so it is left out. */
function bodyKey(type: string, body: Buffer): string {
  const text = body.toString('latin1');
  const [, boundary] = boundaryParameter.exec(type) ?? [];
  return boundary === undefined ? `${type}\n${text}` : `${type.replace(boundary, '')}\n${text.replaceAll(boundary, '')}`;
}

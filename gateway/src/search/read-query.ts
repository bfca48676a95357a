import { GatewayError } from '../domain/errors.ts';
import { parseQuery } from '../query/parse-query.ts';
import { pointAt, UnreadableQuery, type Query } from '../query/query.ts';

/** Reads a query. Throws GatewayError `malformed`, which points at the place. */
export function readQuery(text: string, nowMs: number): Query {
  return orMalformed(text, () => parseQuery(text, nowMs));
}

/** Throws GatewayError `malformed`, which points at the place, where parsing a text throws `UnreadableQuery`. */
export function orMalformed<Parsed>(text: string, parse: () => Parsed): Parsed {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof UnreadableQuery)) {
      throw error;
    }
    throw new GatewayError('malformed', pointAt(text, error.place));
  }
}

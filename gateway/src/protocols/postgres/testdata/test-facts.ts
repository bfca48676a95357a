import { Guard } from '../guard/guard.ts';
import { loadParser, type SqlParser } from '../guard/parser.ts';
import { SessionState } from '../guard/session-state.ts';
import { RequestFacts } from '../request-facts.ts';

const parser: SqlParser = await loadParser();

/** Returns what finds the facts of a connection whose database is not known. */
export function testFacts(): RequestFacts {
  const functions = new Map();
  const session = new SessionState({ guard: new Guard(parser), path: null, timeout: '', functions: () => functions, objects: () => null });
  return new RequestFacts(session, { changing: () => null, changed: () => null, known: () => null });
}

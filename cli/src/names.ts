import type { SessionPage, SessionSummary } from '@countersign/gateway/api';
import { isSession } from './arguments.ts';
import type { SessionSource } from './session-source.ts';

type List = (page: SessionPage) => AsyncIterable<SessionSummary>;

/** Finds the id of the session that has this name: its id, or the beginning of it. Rejects with an Error if there is none, or more than one. */
export async function findSession(name: string, list: List): Promise<string> {
  if (isSession(name)) {
    return name;
  }
  let found: string | null = null;
  for await (const { session } of list({ which: 'all', begin: name })) {
    if (found !== null) {
      throw new Error(`more than one session has an id that begins with ${name}, for instance ${found} and ${session}: write more of it`);
    }
    found = session;
  }
  if (found === null) {
    throw new Error(`there is no session whose id begins with ${name}: countersign session list names them`);
  }
  return found;
}

/** Finds the record with this name, `LOG/INDEX` or `SESSION#NUMBER`, and returns it as `LOG/INDEX`. Rejects with an Error if there is none. */
export async function findRecord(name: string, source: Pick<SessionSource, 'sessions' | 'records'>): Promise<string> {
  const [begin = '', number] = name.split('#');
  if (number === undefined) {
    return name;
  }
  const session = await findSession(begin, (page) => source.sessions(page));
  for await (const { seq, record } of source.records(session)) {
    if (seq === Number(number)) {
      return record;
    }
  }
  throw new Error(`session ${session} has no record #${number}: countersign session show ${session} has the numbers`);
}

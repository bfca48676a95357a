import { GatewayError } from '../domain/errors.ts';
import { traceRecord } from '../feed/record-trace.ts';
import type { IndexedSession } from '../feed/session-index.ts';
import type { ShownRecord } from '../feed/shown-record.ts';
import { isEverything } from '../query/query.ts';
import type { AnswerParts } from './answer.ts';
import type { Question, TracedRecord } from './questions.ts';
import { viewOf } from './view-of.ts';

type Parts = Pick<AnswerParts, 'openSearch' | 'recordings'>;

/** Traces a record through the records that are seen of its session, and of others. */
export async function traceIn(parts: Parts, { found, seq, sight }: Extract<Question, { readonly ask: 'trace' }>): Promise<TracedRecord> {
  const { openSearch, recordings } = parts;
  const seen = sight.facts;
  const find = async (session: string): Promise<IndexedSession | null> => {
    try {
      return isEverything(seen) ? await recordings.find(session) : await (await openSearch()).findSession(session, seen);
    } catch (error) {
      if (error instanceof GatewayError && error.code === 'not_found') {
        return null;
      }
      throw error;
    }
  };
  const trace = await traceRecord(
    { session: found.session, seq },
    {
      async *records(session): AsyncGenerator<ShownRecord> {
        const here = session === found.session ? found : await find(session);
        if (here !== null) {
          yield* recordings.show(here, null, await viewOf(parts, { sight, hasTables: false }));
        }
      },
      async *sessions(page) {
        yield* isEverything(seen) ? recordings.list(page) : (await openSearch()).list(page, seen);
      },
    },
  );
  return { sessions: trace.sessions, line: new TextEncoder().encode(`${JSON.stringify(trace)}\n`) };
}

import type { Operations, Schemas } from '../../api/schema.ts';
import { useAllLines } from '../../api/use-live.ts';

type Session = Schemas['SessionOverview'];

/** The kinds of records that give a session its title. */
const titled = ['prompt', 'statement', 'tool'] as const;

interface Sessions {
  readonly sessions: readonly Session[];
  readonly error: Error | null;
  /** True: no answer is awaited that changes which sessions these are. */
  readonly isWhole: boolean;
}

/**
 * The newest sessions, as they come and go on, or those with a record for which a query holds. A list with content, or with a query, is recorded each time that it is asked: so the newest are asked again and again without
 * content, their titles once for each session that comes, and those of the query when a session comes or ends.
 */
export function useSessions(query: string | undefined, limit: number): Sessions {
  const live = useAllLines('GET /api/v1/sessions', { query: { newest: '', limit, facts: '', activity: '' } }, 'always');
  const facts = live.data?.filter(isOverview);
  const known =
    query === undefined
      ? facts?.filter(({ counts }) => titled.some((kind) => kind in counts)).map(({ session }) => session)
      : facts?.map(({ session, state }) => `${session} ${state}`);
  const whole = useAllLines('GET /api/v1/sessions', { query: { query, newest: '', limit, activity: '' } }, { whenChanged: known?.join(' ') ?? null });
  const read = whole.data?.filter(isOverview);
  const sessions = query === undefined ? withTitles(facts, read ?? []) : withTitles(read, read ?? [], facts);
  return { sessions: sessions ?? [], error: live.error ?? whole.error, isWhole: sessions !== undefined && (query !== undefined || read !== undefined) };
}

/** Gives sessions their titles, and what is known of them later. */
function withTitles(sessions: readonly Session[] | undefined, titles: readonly Session[], later: readonly Session[] = []): readonly Session[] | undefined {
  const titleOf = new Map(titles.map(({ session, title }) => [session, title]));
  const laterOf = new Map(later.map((each) => [each.session, each]));
  return sessions?.map((each) => ({ ...(laterOf.get(each.session) ?? each), title: titleOf.get(each.session) ?? null }));
}

/** The list has no overviews only where ids are asked for by how they begin. */
function isOverview(line: Operations['GET /api/v1/sessions']['line']): line is Session {
  return 'risk' in line;
}

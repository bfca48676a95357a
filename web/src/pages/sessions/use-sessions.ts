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

/** The newest sessions. Without a query they are asked again and again, without content: a list with content, or with a query, is recorded each time. Their titles are asked once for each session that comes. */
export function useSessions(query: string | undefined, limit: number): Sessions {
  const live = useAllLines('GET /api/v1/sessions', { query: { newest: '', limit, facts: '' } }, query === undefined ? 'always' : { whenChanged: null });
  const facts = live.data?.filter(isOverview);
  const known = query === undefined ? facts?.filter(({ counts }) => titled.some((kind) => kind in counts)).map(({ session }) => session) : [query];
  const whole = useAllLines('GET /api/v1/sessions', { query: { query, newest: '', limit } }, { whenChanged: known?.join(' ') ?? null });
  const read = whole.data?.filter(isOverview);
  const titles = new Map(read?.map(({ session, title }) => [session, title]));
  const sessions = query === undefined && read !== undefined ? facts?.map((each) => ({ ...each, title: titles.get(each.session) ?? null })) : read;
  const isOfAnother = query !== undefined && whole.isPlaceholderData;
  return { sessions: isOfAnother ? [] : (sessions ?? []), error: live.error ?? whole.error, isWhole: sessions !== undefined && !isOfAnother };
}

/** The list has no overviews only where ids are asked for by how they begin. */
function isOverview(line: Operations['GET /api/v1/sessions']['line']): line is Session {
  return 'risk' in line;
}

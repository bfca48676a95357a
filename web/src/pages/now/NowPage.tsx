import { useQuery } from '@tanstack/react-query';
import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useLive } from '../../api/use-live.ts';
import { useLines } from '../../api/use-lines.ts';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { texts } from '../../texts.ts';

/** The counts of a day, each a query. */
const counts = [
  { name: texts.now.counts.prompts, query: 'kind:prompt since:1d' },
  { name: texts.now.counts.statements, query: 'kind:statement since:1d' },
  { name: texts.now.counts.changes, query: 'kind:change since:1d' },
  { name: texts.now.counts.denied, query: 'verdict:deny since:1d' },
  { name: texts.now.counts.held, query: 'verdict:hold since:1d' },
] as const;

/** Shows what needs a person, and how the gateway is; nothing of what the reader may not see. */
export function NowPage(): ReactNode {
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  const may = new Set<string>(caller?.may ?? []);
  return (
    <>
      <PageTitle text={texts.now.title} />
      <ul className="tiles">
        <Approvals />
        {may.has('search') && <Alerts />}
        {may.has('search') && <Reviews />}
        <Health />
      </ul>
      {may.has('search') && (
        <>
          <h2>{texts.now.today}</h2>
          <ul className="tiles">
            {counts.map(({ name, query }) => (
              <CountOf key={query} name={name} query={query} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

interface TileProps extends Pick<LinkProps, 'to' | 'search'> {
  readonly name: string;
  readonly value: string;
  readonly level: 'low' | 'medium' | 'high';
}

function Tile({ name, value, level, to, search }: TileProps): ReactNode {
  const content = (
    <>
      <strong className={level}>{value}</strong> {name}
    </>
  );
  return <li>{to === undefined ? content : <Link {...{ to, ...(search === undefined ? {} : { search }) }}>{content}</Link>}</li>;
}

function Approvals(): ReactNode {
  const { data, error } = useLive('GET /api/v1/approvals');
  const waiting = (data ?? []).filter((approval): approval is Schemas['ApprovalSummary'] => 'session' in approval && approval.state === 'waiting').length;
  return <Tile to="/approvals" name={texts.now.approvals} value={shown(data, error, waiting)} level={waiting > 0 ? 'high' : 'low'} />;
}

function Alerts(): ReactNode {
  const { data, error } = useLive('GET /api/v1/alerts');
  return <Tile to="/alerts" name={texts.now.alerts} value={shown(data, error, data?.length ?? 0)} level={(data?.length ?? 0) > 0 ? 'medium' : 'low'} />;
}

function Reviews(): ReactNode {
  const { data, error } = useQuery(asked('GET /api/v1/reviews/coverage', { query: { since: '30d' } }));
  const left = (data?.toReview ?? 0) - (data?.reviewed ?? 0);
  return <Tile to="/reviews" name={texts.now.reviews} value={shown(data, error, left)} level={left > 0 ? 'medium' : 'low'} />;
}

/** Says whether the gateway serves, and what of it has trouble. */
function Health(): ReactNode {
  const { data, error } = useLive('GET /readyz');
  const troubles = Object.entries(data ?? {}).filter(([name]) => name !== 'status');
  const level = error !== null ? 'high' : troubles.length > 0 ? 'medium' : 'low';
  return (
    <Tile
      name={troubles.map(([name, value]) => `${name}: ${value}`).join('; ')}
      value={error?.message ?? texts.now.health(troubles.length === 0)}
      level={level}
    />
  );
}

function CountOf({ name, query }: { readonly name: string; readonly query: string }): ReactNode {
  const { lines, error } = useLines('GET /api/v1/search', { query: { query, limit: 1, facts: '' } });
  const count = lines.find((line): line is Schemas['SearchSummary'] => 'summary' in line)?.summary.count;
  return <Tile to="/search" search={{ query }} name={name} value={shown(count, error, count ?? 0)} level="low" />;
}

function shown(answer: unknown, error: Error | null, count: number): string {
  return error !== null ? '–' : answer === undefined ? '…' : count.toLocaleString('en');
}

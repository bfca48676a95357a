import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useLive } from '../../api/use-live.ts';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { texts } from '../../texts.ts';
import { DayCounts } from './DayCounts.tsx';
import { FirstRun } from './FirstRun.tsx';
import { Health } from './Health.tsx';
import { shownCount, Tile } from './Tile.tsx';
import './now.css';

/** Shows what needs a person, and how the gateway is; nothing of what the reader may not see. */
export function NowPage(): ReactNode {
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  const may = new Set<string>(caller?.may ?? []);
  return (
    <>
      <PageTitle text={texts.now.title} />
      <Health />
      {may.has('administer') && may.has('list') && <FirstRun />}
      <ul className="tiles">
        <Approvals />
        {may.has('search') && <Alerts />}
        {may.has('search') && <Reviews />}
      </ul>
      {may.has('search') && <DayCounts />}
    </>
  );
}

function Approvals(): ReactNode {
  const { data, error } = useLive('GET /api/v1/approvals');
  const waiting = (data ?? []).filter((approval): approval is Schemas['ApprovalSummary'] => 'session' in approval && approval.state === 'waiting').length;
  return <Tile to="/approvals" name={texts.now.approvals(waiting)} value={shownCount(data, error, waiting)} level={waiting > 0 ? 'high' : 'low'} />;
}

function Alerts(): ReactNode {
  const { data, error } = useLive('GET /api/v1/alerts');
  const open = data?.length ?? 0;
  return <Tile to="/alerts" name={texts.now.alerts(open)} value={shownCount(data, error, open)} level={open > 0 ? 'medium' : 'low'} />;
}

function Reviews(): ReactNode {
  const { data, error } = useQuery(asked('GET /api/v1/reviews/coverage', { query: { since: '30d' } }));
  const left = (data?.toReview ?? 0) - (data?.reviewed ?? 0);
  return <Tile to="/reviews" name={texts.now.reviews(left)} value={shownCount(data, error, left)} level={left > 0 ? 'medium' : 'low'} />;
}

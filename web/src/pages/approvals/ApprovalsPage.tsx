import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Operations, Schemas } from '../../api/schema.ts';
import { useLive } from '../../api/use-live.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

type Listed = Operations['GET /api/v1/approvals']['answer'][number];

/** The requests that wait for people, and those that were granted and can be taken back; those that wait longest first. */
export function ApprovalsPage(): ReactNode {
  const approvals = useLive('GET /api/v1/approvals');
  return (
    <>
      <PageTitle text={texts.approvals.title} />
      <Loaded of={approvals}>
        {(all) => {
          const open = all.filter(isOpen);
          return open.length === 0 ? <p role="status">{texts.approvals.none}</p> : <ol className="found">{open.map(approvalLine)}</ol>;
        }}
      </Loaded>
    </>
  );
}

/** Who asked for an approval is told its state alone. */
function isOpen(approval: Listed): approval is Schemas['ApprovalSummary'] {
  return 'session' in approval && (approval.state === 'waiting' || approval.state === 'granted');
}

function approvalLine({ approval, principal, state, target, action, text, groups, granted, requested, expires }: Schemas['ApprovalSummary']): ReactNode {
  return (
    <li key={approval}>
      <Link to="/approvals/$approval" params={{ approval }}>
        <Recorded text={principal} />: <code>{action}</code> <Recorded text={target} />
      </Link>{' '}
      {state === 'granted' && <span className="mark low">{texts.approvals.unused}</span>} <Time of={requested} /> · {texts.approvals.until}{' '}
      <Time of={expires} /> · {texts.approvals.by(groups, granted)}
      <div className="snippet">
        <Recorded text={text} />
      </div>
    </li>
  );
}

import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

const asked = { query: { query: 'kind:erasure', limit: 100 } };

/** Lists the deletions that are on record: each deletion says what it will destroy, and then that it has. */
export function Deletions(): ReactNode {
  const { lines, isWhole, error } = useLines('GET /api/v1/search', asked);
  const found = lines.filter((line) => 'record' in line);
  return (
    <>
      <h2>{texts.retention.deletions}</h2>
      {error !== null && <Failure error={error} />}
      {!isWhole && <p role="status">{texts.state.loading}</p>}
      {isWhole && error === null && found.length === 0 && <p role="status">{texts.retention.noDeletions}</p>}
      <ol className="found">
        {found.map(({ record, session, seq, time, principal, snippet }) => (
          <li key={record}>
            <Link to="/sessions/$session" params={{ session }} hash={String(seq)}>
              <Time of={time} />
            </Link>{' '}
            {principal !== null && <Recorded text={principal} />} {snippet !== null && <Recorded text={snippet} />}
          </li>
        ))}
      </ol>
    </>
  );
}

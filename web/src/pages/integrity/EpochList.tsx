import { Link } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import type { Operations, Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { joinEpochs } from './epochs.ts';

const asked = { query: { query: 'kind:(epoch or heartbeat or pause) since:7d', limit: 10_000, facts: '' } };

/** When the gateway was there in the last days, and when no record says so. */
export function EpochList(): ReactNode {
  const { lines, isWhole, error } = useLines('GET /api/v1/search', asked);
  const epochs = useMemo(() => joinEpochs(lines.filter(isRecord)), [lines]);
  return (
    <>
      <h2>{texts.integrity.epochs}</h2>
      {error !== null && <Failure error={error} />}
      {!isWhole && <p role="status">{texts.state.loading}</p>}
      <ol className="found epochs">
        {epochs.map(({ session, first, last, hasStart, heartbeats, gaps }) => (
          <li key={session}>
            <Link to="/sessions/$session" params={{ session }}>
              {!hasStart && texts.integrity.before} <Time of={first} /> – <Time of={last} />
            </Link>{' '}
            · {texts.integrity.heartbeats(heartbeats)} · {texts.integrity.gaps(gaps.length)}
            <ul className="steps">
              {gaps.map(({ from, to, seq, isDeclared }) => (
                <li key={seq}>
                  <Link to="/sessions/$session" params={{ session }} hash={String(seq)}>
                    <Time of={from} /> – <Time of={to} as="clock" />
                  </Link>{' '}
                  {texts.integrity.gap(isDeclared)}
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ol>
    </>
  );
}

function isRecord(line: Operations['GET /api/v1/search']['line']): line is Schemas['FoundRecord'] {
  return 'record' in line;
}

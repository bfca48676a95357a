import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { barsOf, totalOf } from './activity-bars.ts';
import './sessions.css';

interface Strips {
  readonly targets: readonly string[];
  readonly activity: readonly Schemas['TargetActivity'][];
}

/** The targets of a session, each with a strip of its activity over the time of the session. Strips of a session have one scale. */
export function ActivityStrips({ targets, activity }: Strips): ReactNode {
  const most = Math.max(1, ...activity.flatMap(({ records }) => records));
  return (
    <ul className="strips">
      {activity.map((of) => (
        <li key={of.target}>
          <span>
            <Recorded text={of.target} />
          </span>
          <svg viewBox={`0 0 ${of.records.length} 1`} preserveAspectRatio="none" role="img" aria-label={texts.sessions.activity(totalOf(of))}>
            {barsOf(of, most).map(({ at, height, level }) => (
              <rect key={at} className={level} x={at + 0.1} width={0.8} y={1 - height} height={height} />
            ))}
          </svg>
        </li>
      ))}
      {targets
        .filter((target) => activity.every((of) => of.target !== target))
        .map((target) => (
          <li key={target}>
            <span>
              <Recorded text={target} />
            </span>
          </li>
        ))}
    </ul>
  );
}

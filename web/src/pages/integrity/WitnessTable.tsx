import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** How long an answer counts, in ms: witnesses are asked every few seconds. */
const freshMs = 10_000;

/** Who else has signed the log, and how much of it. */
export function WitnessTable(): ReactNode {
  const status = useQuery({ ...asked('GET /api/v1/witnesses'), refetchInterval: freshMs });
  return (
    <>
      <h2>{texts.integrity.witnesses.title}</h2>
      <Loaded of={status}>{(all) => (all.witnesses.length === 0 ? <p role="status">{texts.integrity.witnesses.none}</p> : <Witnesses of={all} />)}</Loaded>
    </>
  );
}

type Status = Schemas['WitnessStatus'];

function Witnesses({ of: { quorum, cosigned, records, witnesses } }: { readonly of: Status }): ReactNode {
  const { columns, ...words } = texts.integrity.witnesses;
  return (
    <>
      <p>
        {quorum !== null && <Recorded text={words.quorum(quorum)} />}{' '}
        {cosigned === null ? (
          words.notCosigned
        ) : (
          <>
            {words.cosigned(cosigned.records, records)} <Time of={cosigned.time} />
          </>
        )}
      </p>
      <div className="wide" role="region" aria-label={words.title} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th>{columns.witness}</th>
              <th>{columns.state}</th>
              <th>{columns.records}</th>
              <th>{columns.time}</th>
            </tr>
          </thead>
          <tbody>
            {witnesses.map((each) => (
              <tr key={each.witness}>
                <td>
                  <Recorded text={each.witness} />
                </td>
                <td>
                  <span className={`mark ${levels[each.state]}`}>{words.state[each.state]}</span> <Recorded text={each.why} />
                </td>
                <td>{each.records?.toLocaleString('en')}</td>
                <td>{each.cosigned !== null && <Time of={each.cosigned} />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

const levels: Readonly<Record<Status['witnesses'][number]['state'], string>> = {
  asked: 'live',
  cosigning: 'low',
  failing: 'medium',
  ahead: 'high',
  forked: 'high',
};

import { useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { CausesView } from './CausesView.tsx';
import { PlaceLink } from './PlaceLink.tsx';
import { waysOf } from './value-ways.ts';
import { WayView } from './WayView.tsx';
import './trace.css';

/** Where the values of a record came from and went, and what it was made for. Values themselves are nowhere. */
export function TracePage(): ReactNode {
  const { log, index } = useParams({ from: '/trace/$log/$index' });
  const { lines, error } = useLines('GET /api/v1/records/{log}/{index}/trace', { path: { log, index: Number(index) } });
  const [trace] = lines;
  return (
    <>
      <PageTitle text={texts.trace.title} />
      {error !== null ? <Failure error={error} /> : trace === undefined ? <p role="status">{texts.state.loading}</p> : <TraceView trace={trace} />}
    </>
  );
}

function TraceView({ trace }: { readonly trace: Schemas['RecordTrace'] }): ReactNode {
  const { record, values, side, isCut, forgetsFrom, isWholeActivity, sessions } = trace;
  const { kind, action, target, time, verdict, session } = record;
  return (
    <>
      <p>
        <PlaceLink place={record} of="" /> <Time of={time} /> {target !== null && <Recorded text={target} />} <code>{kind}</code>{' '}
        {action !== null && <code>{action}</code>} <VerdictMark verdict={verdict} />
      </p>
      <h2>{texts.trace.causes}</h2>
      <CausesView trace={trace} />
      <h2>{texts.trace.ways}</h2>
      {waysOf(values).map((way, at) => (
        <WayView key={at} way={way} record={record} />
      ))}
      <ul className="notes quiet">
        {side === null && <li>{texts.trace.noRequest}</li>}
        {side !== null && notesOn(record, values.length).map((note) => <li key={note}>{note}</li>)}
        {isCut && <li>{texts.trace.cut}</li>}
        {forgetsFrom !== null && <li>{texts.trace.forgets(forgetsFrom)}</li>}
        {!isWholeActivity && <li>{texts.trace.partly(sessions.length)}</li>}
        {sessions.some((each) => each !== session) && <li>{texts.trace.activity(sessions.length)}</li>}
      </ul>
    </>
  );
}

/** Says which values are not followed. */
function notesOn({ attributes }: Schemas['ShownRecord'], many: number): readonly string[] {
  const carries = [attributes['countersign.carries'] ?? []].flat();
  return [
    ...(carries.includes('unknown') ? [texts.trace.mayCarry] : []),
    ...(attributes['countersign.inspected'] === false ? [texts.trace.notInspected] : []),
    ...(many === 0 ? [texts.trace.none] : []),
  ];
}

import { useState, type ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { PlaceLink } from './PlaceLink.tsx';
import { lineTo, mapOf, type Step, type Way } from './value-ways.ts';

/** So many requests are drawn before somebody asks for more. */
const stepsShown = 24;

/** The way of values, on lanes of the targets: where they came, and the requests that carried them. It is a list for who hears it. */
export function WayView({ way, record }: { readonly way: Way; readonly record: Schemas['ShownRecord'] }): ReactNode {
  const [limit, setLimit] = useState(stepsShown);
  const { value, many, print } = way;
  const map = mapOf(way, limit);
  const [columns, lanes] = [map.steps.length, map.lanes.length];
  const more = value.carriedBy.length - limit;
  return (
    <figure className="way">
      <figcaption>
        <span className="mark">
          <Recorded text={value.class} />
        </span>{' '}
        {texts.trace.values(many)} {texts.trace.of} <Recorded text={value.source} /> {print !== null && <code>{print}</code>}
      </figcaption>
      <div className="wide map">
        <ul aria-hidden="true">
          {map.lanes.map((target) => (
            <li key={target}>{target === null ? texts.trace.notHere : <Recorded text={target} />}</li>
          ))}
        </ul>
        <div className="steps-of" style={{ width: `${columns * 10}rem`, height: `${lanes * 4.5}rem` }}>
          <svg aria-hidden="true" viewBox={`0 0 ${columns} ${lanes}`} preserveAspectRatio="none">
            {map.lanes.map((target, lane) => (
              <path key={target} className="lane" d={`M0 ${lane + 0.5}H${columns}`} />
            ))}
            {map.steps.map(({ place, carrier }, column) =>
              carrier === null ? null : <path key={place.record} className={carrier.verdict ?? ''} d={lineTo(map, column)} />,
            )}
          </svg>
          <ol>
            {map.steps.map((step, column) => (
              <li
                key={`${step.place.record} ${column}`}
                style={{ gridColumn: column + 1, gridRow: step.lane + 1 }}
                aria-current={step.place.record === record.record ? 'true' : undefined}
              >
                <StepView step={step} of={record.session} />
              </li>
            ))}
          </ol>
        </div>
      </div>
      {more > 0 && (
        <button type="button" onClick={() => setLimit(limit * 4)}>
          {texts.state.hidden(more)}
        </button>
      )}
      {value.carriersLeftOut > 0 && <p className="quiet">{texts.trace.further(value.carriersLeftOut)}</p>}
      {value.carriedBy.length === 0 && <p className="quiet">{texts.trace.nowhere}</p>}
    </figure>
  );
}

function StepView({ step: { place, carrier }, of }: { readonly step: Step; readonly of: string }): ReactNode {
  return (
    <>
      <span className="heard">
        {carrier === null ? texts.trace.came : texts.trace.carried} {place.target !== null && <Recorded text={place.target} />}
      </span>
      <div>
        <PlaceLink place={place} of={of} /> {carrier === null ? <span className="quiet">{texts.trace.source}</span> : <VerdictMark verdict={carrier.verdict} />}
      </div>
      {place.action !== null && <code>{place.action}</code>}
      {place.time !== null && (
        <span className="quiet">
          <Time of={place.time} as="clock" />
        </span>
      )}
    </>
  );
}

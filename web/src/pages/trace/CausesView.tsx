import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { PlaceLink } from './PlaceLink.tsx';

/** The request for which a record was made, and those that were made for it, one below the other. */
export function CausesView({ trace: { record, causedBy, caused, causedLeftOut } }: { readonly trace: Schemas['RecordTrace'] }): ReactNode {
  return causedBy === null && caused.length === 0 ? (
    <p className="quiet">{texts.trace.noCauses}</p>
  ) : (
    <ol className="causes">
      {causedBy !== null && <TieView tie={causedBy} of={record.session} word={texts.trace.madeFor} />}
      <li aria-current="true">{texts.trace.thisOne}</li>
      {caused.map((tie) => (
        <TieView key={tie.record} tie={tie} of={record.session} word={texts.trace.ledTo} />
      ))}
      {causedLeftOut > 0 && <li className="quiet">{texts.trace.further(causedLeftOut)}</li>}
    </ol>
  );
}

function TieView({ tie, of, word }: { readonly tie: Schemas['Tie']; readonly of: string; readonly word: string }): ReactNode {
  return (
    <li>
      <span className="quiet">{word}</span> <PlaceLink place={tie} of={of} /> {tie.time !== null && <Time of={tie.time} as="clock" />}{' '}
      {tie.target !== null && <Recorded text={tie.target} />} <code>{tie.action}</code> <VerdictMark verdict={tie.verdict} />{' '}
      {tie.call !== null && (
        <span className="quiet">
          {texts.session.tool} <Recorded text={tie.call} />
        </span>
      )}{' '}
      {!tie.isCertain && <span className="quiet">{texts.trace.likely}</span>}
    </li>
  );
}

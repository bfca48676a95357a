import { useState, type ReactNode } from 'react';
import { Failure } from '../../parts/Failure.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { withGivenKey, type KnownLog } from './known-log.ts';

interface KeyViewProps {
  readonly known: KnownLog | null;
  /** The key that the gateway serves now; null if it is not known. */
  readonly served: string | null;
  readonly onGiven: (known: KnownLog) => void;
}

/** The key whose signatures count here, and whether it is the one that the gateway serves. */
export function KeyView({ known, served, onGiven }: KeyViewProps): ReactNode {
  const [fault, setFault] = useState<Error | null>(null);
  const hasChanged = known !== null && served !== null && known.key !== served;
  return (
    <section aria-label={texts.integrity.key}>
      <h2>{texts.integrity.key}</h2>
      {known !== null && (
        <p>
          <code className="key">{known.key}</code>
          <br />
          {texts.integrity.by[known.by]} <Time of={known.since} />.
        </p>
      )}
      {hasChanged && (
        <div role="alert" className="failure">
          <p>{texts.integrity.changed}</p>
          <code className="key">{served}</code>
        </div>
      )}
      {fault !== null && <Failure error={fault} />}
      <NoteForm
        label={texts.integrity.give}
        button={texts.integrity.trust}
        isBusy={false}
        onSend={(text) => {
          try {
            onGiven(withGivenKey(known, text, new Date()));
            setFault(null);
          } catch (error) {
            setFault(new Error(texts.integrity.noKey(error instanceof Error ? error.message : String(error))));
          }
        }}
      />
    </section>
  );
}

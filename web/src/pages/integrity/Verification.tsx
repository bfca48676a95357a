import { verdictWords, type LogProgress, type LogReport } from '@countersign/ledger';
import type { ReactNode } from 'react';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';
import type { KnownLog } from './known-log.ts';
import { useVerification } from './use-verification.ts';

interface VerificationProps {
  readonly known: KnownLog;
  /** Called with the signed checkpoint of a log that holds. */
  readonly onHolds: (checkpoint: string) => void;
}

/** Verifies the log when it is told to, and shows how far it is and what it found. */
export function Verification({ known, onHolds }: VerificationProps): ReactNode {
  const { state, start } = useVerification(({ verdict, signed }) => {
    if (verdict === 'holds' && signed !== undefined) {
      onHolds(signed.note);
    }
  });
  return (
    <section className="verification" aria-label={texts.integrity.verify}>
      <button type="button" className="first" disabled={state.is === 'running'} onClick={() => start(known)}>
        {texts.integrity.verify}
      </button>
      <div role="status">
        {state.is === 'running' && <Progress of={state.progress} startedMs={state.startedMs} />}
        {state.is === 'done' && <Report of={state.report} />}
      </div>
      {state.is === 'failed' && <Failure error={state.error} />}
    </section>
  );
}

function Progress({ of, startedMs }: { readonly of: LogProgress | null; readonly startedMs: number }): ReactNode {
  const seconds = (performance.now() - startedMs) / 1000;
  return (
    <p>
      <progress aria-label={texts.integrity.progress} max={of?.size ?? 1} value={of?.leaves ?? 0} /> {of !== null && texts.integrity.soFar(of, seconds)}
    </p>
  );
}

/** The result, in the words of the verifier. */
function Report({ of: { verdict, findings, findingsDropped, signed, knownSize, counts, elapsedMs } }: { readonly of: LogReport }): ReactNode {
  return (
    <>
      <p className={verdict === 'holds' ? 'verdict low' : 'verdict failure'}>
        <strong>{verdictWords[verdict]}</strong>
      </p>
      <ul className="findings-list">
        {findings.map(({ code, where, what }, at) => (
          <li key={at}>
            {code}: <code>{where}</code> {what}
          </li>
        ))}
        {findingsDropped > 0 && <li>{texts.state.hidden(findingsDropped)}</li>}
      </ul>
      <p>{texts.integrity.checked(counts, elapsedMs / 1000)}</p>
      {signed !== undefined && (
        <>
          <p>{texts.integrity.signed(signed.size)}</p>
          {knownSize !== undefined && <p>{texts.integrity.sinceKnown(knownSize)}</p>}
          <pre aria-label={texts.integrity.checkpoint}>{signed.note}</pre>
        </>
      )}
      {verdict === 'holds' && <p className="quiet">{texts.integrity.proves}</p>}
    </>
  );
}

import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { VerdictMark } from '../../parts/VerdictMark.tsx';
import { texts } from '../../texts.ts';
import { largestFirst } from './trial.ts';
import type { Candidate } from './use-check.ts';
import { useTrial } from './use-trial.ts';

const daysToChoose = [1, 7, 30, 90, 365] as const;
/** Most groups that are shown. */
const shownMax = 500;

/** The recorded requests that the policies as they are written would have decided otherwise. */
export function TryTool({ candidate }: { readonly candidate: Candidate }): ReactNode {
  const trial = useTrial();
  const [days, setDays] = useState(90);
  const { progress, isRunning, error } = trial;
  const groups = largestFirst(trial);
  const written = JSON.stringify(candidate);
  const [tried, setTried] = useState(written);
  const begin = (): void => {
    setTried(written);
    trial.begin(candidate, days);
  };
  return (
    <>
      <p className="quiet">{texts.policies.try.what}</p>
      <div className="note">
        <label>
          {texts.policies.try.since}{' '}
          <select value={days} onChange={({ target }) => setDays(Number(target.value))}>
            {daysToChoose.map((many) => (
              <option key={many} value={many}>
                {texts.policies.try.days(many)}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="first" disabled={isRunning} onClick={begin}>
          {texts.policies.try.begin}
        </button>
        {isRunning && (
          <button type="button" onClick={trial.stop}>
            {texts.policies.try.stop}
          </button>
        )}
      </div>
      {error !== null && <Failure error={error} />}
      <p role="status" aria-live={isRunning ? 'off' : 'polite'}>
        {progress !== null ? texts.policies.try.progress(progress, isRunning) : isRunning ? texts.state.loading : ''}
      </p>
      {progress !== null && tried !== written && <p className="fault">{texts.policies.try.older}</p>}
      {groups.length > 0 && (
        <div className="wide">
          <table className="changed">
            <thead>
              <tr>
                {Object.values(texts.policies.try.columns).map((name) => (
                  <th key={name}>{name}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {groups.slice(0, shownMax).map(({ principal, target, action, was, would, policies, reason, requests, record, time }) => (
                <tr key={[principal, target, action, was, would, ...policies].join(' ')}>
                  <td>
                    <Recorded text={principal} />
                  </td>
                  <td>
                    <Recorded text={target} />
                  </td>
                  <td>
                    <code>{action}</code>
                  </td>
                  <td className="verdicts">
                    <VerdictMark verdict={was} /> → <VerdictMark verdict={would} />
                  </td>
                  <td>
                    <Recorded text={policies.join(', ')} />
                    <div className="quiet">
                      <Recorded text={reason} />
                    </div>
                  </td>
                  <td className="number">{requests.toLocaleString('en')}</td>
                  <td>
                    <Link to="/records/$log/$index" params={placeOf(record)}>
                      <Time of={time} />
                    </Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {progress !== null && progress.undecided.length > 0 && (
        <>
          <h3>{texts.policies.try.undecided}</h3>
          <ul className="findings">
            {progress.undecided.map(({ why, requests }) => (
              <li key={why}>
                {texts.policies.try.requests(requests)}: {why}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function placeOf(record: string): { readonly log: string; readonly index: string } {
  const [log = '', index = ''] = record.split('/');
  return { log, index };
}

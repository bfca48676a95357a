import { useMutation } from '@tanstack/react-query';
import { useEffect, useState, type ReactNode } from 'react';
import { ask } from '../../api/ask.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { Decided } from './Decided.tsx';
import type { Candidate } from './use-check.ts';

/** Cases with what is expected of each, decided by the policies as they are written. */
export function TestTool({ candidate }: { readonly candidate: Candidate }): ReactNode {
  const [cases, setCases] = useState('');
  const test = useMutation({ mutationFn: async () => ask('POST /api/v1/policy/test', { body: { files: [...candidate], cases } }) });
  const outcomes = test.data ?? [];
  const failed = outcomes.filter(({ difference }) => difference !== null).length;
  // An outcome is that of the text as it was.
  useEffect(test.reset, [JSON.stringify(candidate)]);
  return (
    <>
      <p className="quiet">{texts.policies.test.what}</p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          test.mutate();
        }}
      >
        <textarea
          aria-label={texts.policies.test.cases}
          rows={8}
          required
          value={cases}
          placeholder={texts.policies.test.example}
          spellCheck={false}
          onChange={({ target }) => setCases(target.value)}
        />
        <div className="note">
          <button type="submit" className="first" disabled={test.isPending}>
            {texts.policies.test.begin}
          </button>
          <label>
            {texts.policies.test.open}{' '}
            <input
              type="file"
              accept=".yaml,.yml"
              onChange={({ target }) => {
                void target.files?.[0]?.text().then(setCases);
              }}
            />
          </label>
        </div>
      </form>
      {test.error !== null && <Failure error={test.error} />}
      <p role="status">{test.data !== undefined && texts.policies.test.outcome(outcomes.length, failed)}</p>
      <ul className="found">
        {outcomes.map(({ name, decision, difference }, at) => (
          <li key={at}>
            <span className={`mark ${difference === null ? 'low' : 'high'}`}>{difference === null ? texts.policies.test.ok : texts.policies.test.failed}</span>{' '}
            <Recorded text={name} />
            {difference !== null && (
              <p>
                <Recorded text={difference} />
              </p>
            )}
            {decision !== null && (
              <Later summary={texts.policies.test.why}>
                <Decided of={decision} />
              </Later>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

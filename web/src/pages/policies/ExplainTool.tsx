import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useId, useState, type ReactNode } from 'react';
import { ask } from '../../api/ask.ts';
import { asked } from '../../api/asked.ts';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';
import { Decided } from './Decided.tsx';
import { namesIn } from './words.ts';
import type { Candidate } from './use-check.ts';

const nothing = { principal: '', target: '', action: '', text: '' };
const fields = ['principal', 'target', 'action'] as const;

/** One request, decided by the policies as they are written. Nothing is done. */
export function ExplainTool({ candidate }: { readonly candidate: Candidate }): ReactNode {
  const { data: words = [] } = useQuery({ ...asked('GET /api/v1/policy/words'), staleTime: Infinity });
  const [written, setWritten] = useState(nothing);
  const id = useId();
  const explain = useMutation({
    mutationFn: async () => {
      const said = Object.entries(written).filter(([, value]) => value.trim() !== '');
      return ask('POST /api/v1/policy/explain', { body: { files: [...candidate], request: Object.fromEntries(said) } });
    },
  });
  const names = { principal: namesIn(words, 'Principal'), target: namesIn(words, 'Target'), action: namesIn(words, 'Action') };
  // An outcome is that of the text as it was.
  useEffect(explain.reset, [JSON.stringify(candidate)]);
  return (
    <>
      <p className="quiet">{texts.policies.explain.what}</p>
      <form
        className="request"
        onSubmit={(event) => {
          event.preventDefault();
          explain.mutate();
        }}
      >
        {fields.map((field) => (
          <label key={field}>
            {texts.policies.explain.fields[field]}
            <input
              value={written[field]}
              list={`${id} ${field}`}
              required={field !== 'target'}
              spellCheck={false}
              autoCapitalize="none"
              onChange={({ target }) => setWritten({ ...written, [field]: target.value })}
            />
            <datalist id={`${id} ${field}`}>
              {names[field].map((name) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
        ))}
        <label className="long">
          {texts.policies.explain.fields.text}
          <textarea rows={3} value={written.text} spellCheck={false} onChange={({ target }) => setWritten({ ...written, text: target.value })} />
        </label>
        <button type="submit" className="first" disabled={explain.isPending}>
          {texts.policies.explain.begin}
        </button>
      </form>
      {explain.error !== null && <Failure error={explain.error} />}
      <div aria-live="polite">{explain.data !== undefined && <Decided of={explain.data} />}</div>
    </>
  );
}

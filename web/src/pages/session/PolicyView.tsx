import type { ReactNode } from 'react';
import { useLines } from '../../api/use-lines.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { policyIn } from './policy-text.ts';

/** The text of a policy as it was in a version. */
export function PolicyView({ policy, version }: { readonly policy: string; readonly version: string }): ReactNode {
  const { lines, isWhole, error } = useLines('GET /api/v1/policy/versions/{version}', { path: { version } });
  const text = lines[0]?.content?.text;
  return error !== null ? (
    <Failure error={error} />
  ) : text === undefined ? (
    <p role="status">{isWhole ? texts.session.noContent : texts.state.loading}</p>
  ) : (
    <>
      <p className="quiet">
        {texts.session.version} <code>{version}</code>
      </p>
      <pre className="asked">
        <Recorded text={policyIn(text, policy) ?? texts.session.noPolicyText} />
      </pre>
    </>
  );
}

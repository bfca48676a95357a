import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useLines } from '../../api/use-lines.ts';
import { useLive } from '../../api/use-live.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { DiffView } from './DiffView.tsx';

/** The versions of the policies that were in force, with who made each. */
export function HistoryTool(): ReactNode {
  const versions = useLive('GET /api/v1/policy/versions');
  return (
    <Loaded of={versions}>
      {(all) =>
        all.length === 0 ? (
          <p role="status">{texts.state.nothing}</p>
        ) : (
          <ol className="found">
            {all.map((version, at) => (
              <Version key={version.record} of={version} before={all[at + 1]} />
            ))}
          </ol>
        )
      }
    </Loaded>
  );
}

function Version({ of, before }: { readonly of: Schemas['PolicyVersion']; readonly before: Schemas['PolicyVersion'] | undefined }): ReactNode {
  const { time, how, by, file, version, changes } = of;
  return (
    <li>
      <Time of={time} /> {by !== null && <Recorded text={by} />} {texts.policies.history.how[how]} {file !== null && <code>{file}</code>}{' '}
      <span className="quiet">
        {texts.policies.history.version} <code>{version}</code>
      </span>
      {changes !== null && (
        <div>
          <Recorded text={changes} />
        </div>
      )}
      {before !== undefined && (
        <Later summary={texts.policies.difference}>
          <Difference older={before.version} newer={version} />
        </Later>
      )}
    </li>
  );
}

function Difference({ older, newer }: { readonly older: string; readonly newer: string }): ReactNode {
  const [one, other] = [useText(older), useText(newer)];
  const error = one.error ?? other.error;
  return error !== null ? (
    <Failure error={error} />
  ) : one.text === undefined || other.text === undefined ? (
    <p role="status">{one.isWhole && other.isWhole ? texts.session.noContent : texts.state.loading}</p>
  ) : (
    <DiffView older={one.text} newer={other.text} />
  );
}

/** The text of a version, from its record. */
function useText(version: string): { readonly text: string | undefined; readonly isWhole: boolean; readonly error: Error | null } {
  const { lines, isWhole, error } = useLines('GET /api/v1/policy/versions/{version}', { path: { version } });
  return { text: lines[0]?.content?.text, isWhole, error };
}

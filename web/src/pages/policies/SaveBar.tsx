import { useState, type ReactNode } from 'react';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { texts } from '../../texts.ts';

interface SaveBarProps {
  readonly file: string;
  readonly text: string;
  /** The digest of the file from which the text was begun. Null: it is new. */
  readonly sha256: string | null;
  readonly isChanged: boolean;
  /** Why it cannot be saved. Null: it can be. */
  readonly fault: string | null;
  /** How many policies can never do what they are written for. */
  readonly conflicts: number;
  readonly onForget: () => void;
  /** Called with what is saved now, and its digest. */
  readonly onSaved: (now: { readonly text: string; readonly sha256: string }) => void;
}

/** The name of the file in the editor, and how it is saved, or taken elsewhere. */
export function SaveBar({ file, text, sha256, isChanged, fault, conflicts, onForget, onSaved }: SaveBarProps): ReactNode {
  const save = useAct('PUT /api/v1/policy/files/{file}');
  const [isMeant, setMeant] = useState(false);
  const saved = ({ sha256: now }: { readonly sha256: string }): void => {
    setMeant(false);
    onSaved({ text, sha256: now });
  };
  return (
    <>
      <div className="save">
        <h2>{file}</h2>
        <button
          type="button"
          className="first"
          disabled={!isChanged || fault !== null || save.isPending || (conflicts > 0 && !isMeant)}
          title={fault ?? undefined}
          onClick={() => save.mutate({ path: { file }, body: { text, sha256, force: isMeant } }, { onSuccess: saved })}
        >
          {texts.policies.save}
        </button>
        {conflicts > 0 && isChanged && fault === null && (
          <label>
            <input type="checkbox" checked={isMeant} onChange={({ target }) => setMeant(target.checked)} /> {texts.policies.despite(conflicts)}
          </label>
        )}
        {isChanged && (
          <button
            type="button"
            onClick={() => {
              save.reset();
              onForget();
            }}
          >
            {texts.policies.forget}
          </button>
        )}
        <button type="button" className={isChanged && fault !== null ? 'first' : ''} onClick={() => saveFile(file, 'text/plain', text)}>
          {texts.policies.download}
        </button>
      </div>
      {save.error !== null && isChanged && fault !== texts.policies.overtaken && <Failure error={save.error} />}
      {save.data !== undefined && !isChanged && <p role="status">{texts.policies.saved(save.data.changes, save.data.withdrawn)}</p>}
    </>
  );
}

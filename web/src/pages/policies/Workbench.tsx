import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Operations } from '../../api/schema.ts';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';
import { CedarEditor } from './CedarEditor.tsx';
import { DiffView } from './DiffView.tsx';
import { changedFiles, isOvertaken, namesOf, rebased, withText, without, type Drafts } from './drafts.ts';
import { FileList } from './FileList.tsx';
import { FindingList } from './FindingList.tsx';
import { findingsOf, type Finding } from './findings.ts';
import { SaveBar } from './SaveBar.tsx';
import { useCheck } from './use-check.ts';

interface WorkbenchProps {
  readonly listed: Operations['GET /api/v1/policy/files']['answer'];
  /** The file that is wanted; the first one if there is none of the name. */
  readonly wanted: string | undefined;
  readonly drafts: Drafts;
  readonly changeDrafts: (change: (drafts: Drafts) => Drafts) => void;
}

/** The files, and one of them in the editor with what is said of it. */
export function Workbench({ listed: { files, savingFault }, wanted, drafts, changeDrafts }: WorkbenchProps): ReactNode {
  const { data: words = [] } = useQuery({ ...asked('GET /api/v1/policy/words'), staleTime: Infinity });
  const candidate = changedFiles(files, drafts);
  const check = useCheck(candidate);
  const [shown, setShown] = useState<Finding | null>(null);
  const names = namesOf(files, drafts);
  const file = names.find((name) => name === wanted) ?? names[0];
  const saved = files.find((each) => each.file === file);
  const draft = file === undefined ? undefined : drafts[file];
  const text = draft?.text ?? saved?.text ?? '';
  const isLate = isOvertaken(saved, draft);
  const findings = check.data === undefined ? [] : findingsOf(check.data);
  return (
    <div className="workbench">
      <FileList
        names={names}
        present={file}
        changed={candidate.map((each) => each.file)}
        onNew={(name) => changeDrafts((before) => withText(before, undefined, { file: name, text: '' }))}
      />
      <section aria-label={texts.policies.editor}>
        {file === undefined ? (
          <p role="status">{texts.policies.noFile}</p>
        ) : (
          <>
            <SaveBar
              key={`save ${file}`}
              file={file}
              text={text}
              sha256={draft?.sha256 ?? null}
              isChanged={candidate.some((each) => each.file === file)}
              fault={
                savingFault ??
                (isLate ? texts.policies.overtaken : findings.some((each) => each.severity === 'error' && each.file === file) ? texts.policies.unsavable : null)
              }
              conflicts={check.data?.conflicts.length ?? 0}
              onForget={() => changeDrafts((before) => without(before, file))}
              onSaved={(now) => changeDrafts((before) => rebased(before, { file, ...now }))}
            />
            {isLate && (
              <div className="overtaken" role="alert">
                <p>{texts.policies.overtakenBy(file)}</p>
                <DiffView older={saved?.text ?? ''} newer={text} />
                <button type="button" onClick={() => changeDrafts((before) => ({ ...before, [file]: { text, sha256: saved?.sha256 ?? null } }))}>
                  {texts.policies.keep}
                </button>
              </div>
            )}
            <CedarEditor
              key={file}
              text={text}
              isDraft={draft !== undefined}
              label={texts.policies.editorOf(file)}
              words={words}
              findings={findings.filter((each) => each.file === file)}
              shown={shown?.file === file ? shown : null}
              onChange={(written) => changeDrafts((before) => withText(before, saved, { file, text: written }))}
            />
            <p className="quiet">{texts.policies.keys}</p>
          </>
        )}
        {check.error !== null && <Failure error={check.error} />}
        <FindingList findings={findings} policies={check.data?.policies} isBusy={check.isFetching} onShow={setShown} />
      </section>
    </div>
  );
}

import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { texts } from '../../texts.ts';

interface FileListProps {
  readonly names: readonly string[];
  readonly present: string | undefined;
  /** The files that are not saved. */
  readonly changed: readonly string[];
  readonly onNew: (name: string) => void;
}

/** The files of policies, and a new one. */
export function FileList({ names, present, changed, onNew }: FileListProps): ReactNode {
  const navigate = useNavigate();
  return (
    <nav aria-label={texts.policies.files} className="files">
      <ul>
        {names.map((name) => (
          <li key={name}>
            <Link to="/policies" search={(before) => ({ ...before, file: name })} aria-current={name === present ? 'page' : undefined}>
              {name}
            </Link>{' '}
            {changed.includes(name) && <span className="mark medium">{texts.policies.changed}</span>}
          </li>
        ))}
      </ul>
      <details>
        <summary>{texts.policies.newFile}</summary>
        <NoteForm
          label={texts.policies.name}
          button={texts.policies.make}
          isBusy={false}
          onSend={(written) => {
            const name = written.endsWith('.cedar') ? written : `${written}.cedar`;
            onNew(name);
            void navigate({ to: '/policies', search: (before) => ({ ...before, file: name }) });
          }}
        />
      </details>
    </nav>
  );
}

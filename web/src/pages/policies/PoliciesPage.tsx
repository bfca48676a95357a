import { useQuery } from '@tanstack/react-query';
import { useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Operations } from '../../api/schema.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { NotFound } from '../../parts/NotFound.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { changedFiles } from './drafts.ts';
import { Tools } from './Tools.tsx';
import { useDrafts } from './use-drafts.ts';
import { Workbench } from './Workbench.tsx';
import './policies.css';

/** The files of policies: written, checked, tried on what was recorded, and saved. */
export function PoliciesPage(): ReactNode {
  const listed = useQuery(asked('GET /api/v1/policy/files'));
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  return useMay('administer') ? (
    <>
      <PageTitle text={texts.policies.title} />
      <Loaded of={listed}>{(files) => caller !== undefined && <Policies listed={withLineFeeds(files)} principal={caller.principal} />}</Loaded>
    </>
  ) : (
    <NotFound />
  );
}

type Listed = Operations['GET /api/v1/policy/files']['answer'];

function Policies({ listed, principal }: { readonly listed: Listed; readonly principal: string }): ReactNode {
  const { file } = useSearch({ from: '/policies' });
  const [drafts, changeDrafts] = useDrafts(principal);
  const { place, savingFault, refused, files } = listed;
  return (
    <>
      <p className="quiet">{place === null ? texts.policies.noPlace : <code>{place}</code>}</p>
      {savingFault !== null && <p className="fault">{texts.policies.unsaved(savingFault)}</p>}
      {refused !== null && (
        <div className="failure" role="alert">
          <p>{texts.policies.refused}</p>
          <pre>
            <Recorded text={refused} />
          </pre>
        </div>
      )}
      <Workbench listed={listed} wanted={file} drafts={drafts} changeDrafts={changeDrafts} />
      <Tools candidate={changedFiles(files, drafts)} />
    </>
  );
}

/** Returns the files with the ends of lines that the editor makes, so that none counts as changed for these. */
function withLineFeeds({ files, ...more }: Listed): Listed {
  return { ...more, files: files.map((file) => ({ ...file, text: file.text.replaceAll(/\r\n?/g, '\n') })) };
}

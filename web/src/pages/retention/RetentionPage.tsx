import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { NotFound } from '../../parts/NotFound.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { useIsAuditor, useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { ClassTable } from './ClassTable.tsx';
import { Deletions } from './Deletions.tsx';
import { Plan } from './Plan.tsx';

/** For how long what is recorded is kept, what goes next, and what was deleted. Others than auditors and who administers find nothing, and nothing is asked for them. */
export function RetentionPage(): ReactNode {
  return useIsAuditor() ? <Retention /> : <NotFound />;
}

function Retention(): ReactNode {
  const classes = useQuery(asked('GET /api/v1/retention'));
  return (
    <>
      <PageTitle text={texts.retention.title} />
      <p className="quiet">{texts.retention.what}</p>
      <Loaded of={classes}>{(all) => <ClassTable of={all} />}</Loaded>
      <Plan />
      {useMay('search') && <Deletions />}
    </>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { useMay } from '../../shell/caller.ts';
import { texts } from '../../texts.ts';
import { ClassTable } from './ClassTable.tsx';
import { Deletions } from './Deletions.tsx';
import { Plan } from './Plan.tsx';

/** For how long what is recorded is kept, what goes next, and what was deleted. */
export function RetentionPage(): ReactNode {
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

import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { asked } from '../../api/asked.ts';
import type { Operations } from '../../api/schema.ts';
import type { changedFiles } from './drafts.ts';

/** A text is checked when nothing was typed for so long, in ms. */
const pauseMs = 400;

export type Candidate = ReturnType<typeof changedFiles>;

/** Asks the gateway what is wrong with policies as they would be. The findings before stay until those of the newest text are there. */
export function useCheck(files: Candidate): UseQueryResult<Operations['POST /api/v1/policy/check']['answer']> {
  const written = JSON.stringify(files);
  const [paused, setPaused] = useState(written);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(written), pauseMs);
    return () => clearTimeout(timer);
  }, [written]);
  const sent: Candidate = JSON.parse(paused);
  return useQuery({ ...asked('POST /api/v1/policy/check', { body: { files: [...sent] } }), placeholderData: keepPreviousData, gcTime: 0 });
}

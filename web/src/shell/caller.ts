import { createContext, useContext } from 'react';
import type { Schemas } from '../api/schema.ts';

const noRight: Pick<Schemas['Caller'], 'may' | 'groups'> = { may: [], groups: [] };

/** Who looks at the console, for what is drawn so often that it should not ask. */
export const CallerContext = createContext(noRight);

export function useMay(right: string): boolean {
  return useContext(CallerContext).may.some((each) => each === right);
}

/** True for who may read the whole log. */
export function useIsAuditor(): boolean {
  const { may, groups } = useContext(CallerContext);
  return groups.includes('auditors') || may.includes('administer');
}

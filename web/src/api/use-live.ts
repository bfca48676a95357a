import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { Input, Operation } from './ask.ts';
import { asked } from './asked.ts';
import type { Operations } from './schema.ts';

const pollMs = 3_000;

/** An answer that is asked again every few seconds while the page is seen. */
export function useLive<Name extends Operation>(name: Name, input: Omit<Input<Name>, 'signal'> = {}): UseQueryResult<Operations[Name]['answer']> {
  return useQuery({ ...asked(name, input), refetchInterval: pollMs });
}

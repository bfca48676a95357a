import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { lines, type Input, type Operation } from './ask.ts';
import { asked } from './asked.ts';
import type { Operations } from './schema.ts';

const pollMs = 3_000;

/** An answer that is asked again every few seconds while the page is seen. */
export function useLive<Name extends Operation>(name: Name, input: Omit<Input<Name>, 'signal'> = {}): UseQueryResult<Operations[Name]['answer']> {
  return useQuery({ ...asked(name, input), refetchInterval: pollMs });
}

/** When an answer is asked again: every few seconds, or when a text changes. Null: it is not asked. */
type Again = 'always' | { readonly whenChanged: string | null };

/** All lines of an answer. The earlier ones stay until those of another question are there. */
export function useAllLines<Name extends Operation>(
  name: Name,
  input: Omit<Input<Name>, 'signal'>,
  again: Again,
): UseQueryResult<readonly Operations[Name]['line'][]> {
  return useQuery({
    queryKey: [name, input, again],
    queryFn: async ({ signal }) => (await Array.fromAsync(lines(name, { ...input, signal }))).flat(),
    placeholderData: keepPreviousData,
    enabled: again === 'always' || again.whenChanged !== null,
    ...(again === 'always' ? { refetchInterval: pollMs } : { staleTime: Infinity }),
  });
}

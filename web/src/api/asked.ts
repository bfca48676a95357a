import type { QueryFunctionContext } from '@tanstack/react-query';
import { ask, type Input, type Operation } from './ask.ts';
import type { Operations } from './schema.ts';

interface Asked<Answer> {
  readonly queryKey: readonly unknown[];
  readonly queryFn: (context: Pick<QueryFunctionContext, 'signal'>) => Promise<Answer>;
}

/** Returns what a component gives to `useQuery` to ask an operation that reads. */
export function asked<Name extends Operation>(name: Name, input: Omit<Input<Name>, 'signal'> = {}): Asked<Operations[Name]['answer']> {
  return { queryKey: [name, input], queryFn: async ({ signal }) => ask(name, { ...input, signal }) };
}

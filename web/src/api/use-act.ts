import { useMutation, useQueryClient, type UseMutationResult } from '@tanstack/react-query';
import { ask, type Input, type Operation } from './ask.ts';
import type { Operations } from './schema.ts';

/** Returns what a component does an act with. After it, everything that is shown is asked again. */
export function useAct<Name extends Operation>(name: Name): UseMutationResult<Operations[Name]['answer'], Error, Input<Name>> {
  const client = useQueryClient();
  return useMutation({ mutationFn: async (input: Input<Name>) => ask(name, input), onSettled: async () => client.invalidateQueries() });
}

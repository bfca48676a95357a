import type { ActionDefinition } from '../../domain/action.ts';

/** The catalogue of actions. A request that method and path do not identify has the action `unknown`, which is not in the catalogue. */
export const actions = [
  { name: 'llm.chat', title: 'Ask a model, with or without tools' },
  { name: 'llm.embed', title: 'Turn text into vectors' },
  { name: 'llm.count_tokens', title: 'Count the tokens of a prompt' },
  { name: 'llm.list_models', title: 'List the models, or describe one' },
  { name: 'llm.talk_live', title: 'Talk with a model over WebSocket' },
] as const satisfies readonly ActionDefinition[];

export type ActionName = (typeof actions)[number]['name'];

import type { RequestHead } from '../../exchange/reading.ts';
import { headerOf } from '../../exchange/reading.ts';
import type { JsonObject, Message } from './messages.ts';
import { isObject } from './messages.ts';

/**
 * Makes ids that a server gave unique by their kind: servers also give small numbers, and an event id is only unique in its session. For the server, the
 * gateway is its only client, so it cannot know to whom it gave an id.
 */
const idOf = {
  session: (id: string): string => `session ${id}`,
  event: (session: string, id: string): string => `event ${session} ${id}`,
  task: (id: string): string => `task ${id}`,
  state: (state: string): string => `state ${state}`,
};

/** Returns the session that a request names; empty if it names none. */
export function sessionNamed({ headers }: RequestHead): string {
  return headerOf(headers, 'mcp-session-id') ?? '';
}

export function idsNamed({ headers }: RequestHead, messages: readonly Message[]): readonly string[] {
  const all = (wanted: string): string[] => headers.flatMap(([name, value]) => (name === wanted ? [value] : []));
  const sessions = all('mcp-session-id');
  return [
    ...sessions.map(idOf.session),
    ...all('last-event-id').map((event) => idOf.event(sessions[0] ?? '', event)),
    ...messages.flatMap((message) => ('params' in message ? idsOf(message.params) : [])),
  ];
}

/** Returns the ids in the params of a request, or in a result. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr */
export function idsOf({ task, taskId, requestState }: JsonObject): readonly string[] {
  const tasks = [taskId, isObject(task) ? task['taskId'] : undefined].filter((id) => typeof id === 'string');
  return [...tasks.map(idOf.task), ...(typeof requestState === 'string' ? [idOf.state(requestState)] : [])];
}

export const sessionGiven = idOf.session;
export const eventGiven = idOf.event;

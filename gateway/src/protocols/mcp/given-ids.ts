import type { RequestHead } from '../../exchange/reading.ts';
import { headerOf } from '../../exchange/reading.ts';
import type { JsonObject, Message } from './messages.ts';
import { isObject } from './messages.ts';

/**
 * Ids of a server's making, each by its kind: servers give small numbers too, and an event is one of its session. A server knows one client, the gateway: what it gave to
 * whom it cannot tell.
 */
const idOf = {
  session: (id: string): string => `session ${id}`,
  event: (session: string, id: string): string => `event ${session} ${id}`,
  task: (id: string): string => `task ${id}`,
  state: (state: string): string => `state ${state}`,
};

/** The session that a request is in; empty for one in none. */
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

/** The ids in the params of a request, or in a result. https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr */
export function idsOf({ task, taskId, requestState }: JsonObject): readonly string[] {
  const tasks = [taskId, isObject(task) ? task['taskId'] : undefined].filter((id) => typeof id === 'string');
  return [...tasks.map(idOf.task), ...(typeof requestState === 'string' ? [idOf.state(requestState)] : [])];
}

export const sessionGiven = idOf.session;
export const eventGiven = idOf.event;

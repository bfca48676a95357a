import { claimsAttribute, type ClientClaims } from '../../domain/client-claims.ts';
import type { ActionDefinition, Attributes } from '../../domain/action.ts';
import { administerEffects, anythingEffects, type Effect, readEffects, writeEffects } from '../../domain/effects.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { traceFact } from '../../domain/trace-context.ts';
import type { Body, JsonObject, Message, Notification, Request } from './messages.ts';
import { parseExactNumbers } from '../../content/exact-json.ts';
import { checkName, isObject } from './messages.ts';

/** Most bytes of a tool call's arguments that are attributes, for policy. Longer arguments are only in the content. */
const argumentsAttributeBytesMax = 2048;

interface MethodAction extends ActionDefinition {
  readonly method: string;
  /** The effects that a message with this method has at most. A call does what its tool does (`tool-effects.ts`). */
  readonly effects: readonly Effect[];
  /** The member of `params` that names what is asked for. A message without it is refused. */
  readonly subject?: SubjectKey;
}

type Asking = Request | Notification;

export type SubjectKey = 'name' | 'uri' | 'taskId';

/**
 * The action of each method. Sampling, elicitation and roots are requests of the server to the client; a client that sends them anyway has the same actions.
 * The methods are those of revisions 2025-03-26 to 2026-07-28 and of the extension for tasks.
 */
const methodActions: readonly MethodAction[] = [
  { method: 'initialize', effects: readEffects, name: 'mcp.initialize', title: 'Begin a session with the server' },
  { method: 'server/discover', effects: readEffects, name: 'mcp.discover', title: 'Ask what the server is and can do' },
  { method: 'ping', effects: readEffects, name: 'mcp.ping', title: 'Ask whether the server is there' },
  { method: 'tools/list', effects: readEffects, name: 'mcp.list_tools', title: 'List tools' },
  { method: 'tools/call', effects: anythingEffects, name: 'mcp.call_tool', title: 'Call a tool', subject: 'name' },
  { method: 'resources/list', effects: readEffects, name: 'mcp.list_resources', title: 'List resources' },
  { method: 'resources/templates/list', effects: readEffects, name: 'mcp.list_resource_templates', title: 'List templates of resources' },
  { method: 'resources/read', effects: readEffects, name: 'mcp.read_resource', title: 'Read a resource', subject: 'uri' },
  { method: 'resources/subscribe', effects: readEffects, name: 'mcp.subscribe', title: 'Subscribe to a resource', subject: 'uri' },
  { method: 'resources/unsubscribe', effects: readEffects, name: 'mcp.unsubscribe', title: 'End a subscription to a resource', subject: 'uri' },
  { method: 'subscriptions/listen', effects: readEffects, name: 'mcp.listen', title: 'Listen for changes' },
  { method: 'prompts/list', effects: readEffects, name: 'mcp.list_prompts', title: 'List prompts' },
  { method: 'prompts/get', effects: readEffects, name: 'mcp.get_prompt', title: 'Get a prompt', subject: 'name' },
  { method: 'completion/complete', effects: readEffects, name: 'mcp.complete', title: 'Complete an argument' },
  { method: 'logging/setLevel', effects: administerEffects, name: 'mcp.set_level', title: 'Set the level of log messages' },
  { method: 'tasks/list', effects: readEffects, name: 'mcp.list_tasks', title: 'List tasks' },
  { method: 'tasks/get', effects: readEffects, name: 'mcp.get_task', title: 'Get the state of a task', subject: 'taskId' },
  { method: 'tasks/result', effects: readEffects, name: 'mcp.get_task_result', title: 'Get the result of a task', subject: 'taskId' },
  { method: 'tasks/update', effects: writeEffects, name: 'mcp.update_task', title: 'Give input to a task', subject: 'taskId' },
  { method: 'tasks/cancel', effects: writeEffects, name: 'mcp.cancel_task', title: 'Cancel a task', subject: 'taskId' },
  { method: 'sampling/createMessage', effects: readEffects, name: 'mcp.sample', title: 'Ask the client for an answer of its model' },
  { method: 'elicitation/create', effects: readEffects, name: 'mcp.elicit', title: 'Ask the client for input of its user' },
  { method: 'roots/list', effects: readEffects, name: 'mcp.list_roots', title: 'Ask the client for its roots' },
  { method: 'notifications/initialized', effects: readEffects, name: 'mcp.initialized', title: 'Tell that the session has begun' },
  { method: 'notifications/cancelled', effects: readEffects, name: 'mcp.cancel', title: 'Cancel a request' },
  { method: 'notifications/progress', effects: readEffects, name: 'mcp.report_progress', title: 'Report progress' },
  { method: 'notifications/roots/list_changed', effects: readEffects, name: 'mcp.change_roots', title: 'Tell that the roots have changed' },
  { method: 'notifications/tasks/status', effects: readEffects, name: 'mcp.report_task', title: 'Report the state of a task' },
];

/** The actions of HTTP requests without a message, and of messages whose method is missing or unknown. */
const otherActions = [
  { name: 'mcp.answer', title: 'Answer a request of the server', isWithoutText: true },
  { name: 'mcp.open_stream', title: 'Open the stream on which the server asks and notifies', isWithoutText: true },
  { name: 'mcp.end_session', title: 'End a session with the server', isWithoutText: true },
  { name: 'mcp.unknown', title: 'Send a message with a method that is not known' },
] as const satisfies readonly ActionDefinition[];

export const actions: readonly ActionDefinition[] = [...methodActions.map(({ name, title }) => ({ name, title })), ...otherActions];

const byMethod = new Map(methodActions.map((action) => [action.method, action]));

export function actionOf(message: Message): string {
  return 'method' in message ? actionOfMethod(message.method) : 'mcp.answer';
}

export function actionOfMethod(method: string): string {
  return byMethod.get(method)?.name ?? 'mcp.unknown';
}

/** Returns the effects of a message without regard to the tool that it may call. */
export function effectsOfMethod(method: string): readonly Effect[] {
  return byMethod.get(method)?.effects ?? anythingEffects;
}

/** Returns the effects of the messages of a client. An answer to the server hands something over, unless it is an error or says nothing, like the answer to a ping. */
function effectsOf({ messages }: Body): readonly Effect[] {
  const [first] = messages;
  if (first !== undefined && 'method' in first) {
    return effectsOfMethod(first.method);
  }
  return messages.some((message) => message.kind === 'result' && Object.keys(message.result).length > 0) ? writeEffects : readEffects;
}

export function subjectKey(method: string): SubjectKey | null {
  return byMethod.get(method)?.subject ?? null;
}

/** Throws GatewayError `malformed` if a message about a tool, a prompt, a resource or a task does not name it. */
export function checkSubject(message: Message): void {
  const key = 'method' in message ? subjectKey(message.method) : null;
  if (key !== null && 'params' in message) {
    checkName(message.params[key], key);
  }
}

/** Returns the facts of a client's body. The messages of a batch are alike (`reading.ts`), so the first stands for all. */
export function messageAttributes(body: Body, text: string): Attributes {
  const [first] = body.messages;
  const ids = body.messages.flatMap((message) => ('id' in message && message.id !== null ? [message.id.text] : []));
  return {
    [ownAttributes.effects]: effectsOf(body),
    ...(ids.length === 0 ? {} : { 'jsonrpc.request.id': ids.length === 1 ? (ids[0] ?? '') : ids }),
    ...(first !== undefined && 'method' in first
      ? { 'mcp.method.name': first.method, ...claimsAttribute(claimsOf(first), ''), ...subjectAttributes(first), ...callAttributes(first, text) }
      : {}),
  };
}

/** Returns what a client says of its own software: as it begins a session, or with each request (https://modelcontextprotocol.io/specification/2026-07-28/basic). */
function claimsOf({ method, params }: Asking): ClientClaims {
  const { _meta: meta } = params;
  const info = method === 'initialize' ? params['clientInfo'] : isObject(meta) ? meta['io.modelcontextprotocol/clientInfo'] : undefined;
  const { name, version } = isObject(info) ? info : {};
  return [
    ...(typeof name === 'string' ? [['clientInfo.name', name] as const] : []),
    ...(typeof version === 'string' ? [['clientInfo.version', version] as const] : []),
  ];
}

function subjectAttributes({ method, params }: Asking): Attributes {
  const { ref, _meta: meta, inputResponses } = params;
  const named = method === 'completion/complete' && isObject(ref) ? ref : params;
  return {
    ...(method === 'prompts/get' || method === 'completion/complete' ? textAttribute('gen_ai.prompt.name', named['name']) : {}),
    ...(method.startsWith('resources/') || method === 'completion/complete' ? textAttribute('mcp.resource.uri', named['uri']) : {}),
    ...(method.startsWith('tasks/') ? textAttribute(ownAttributes.task, params['taskId']) : {}),
    ...(isObject(meta) ? traceFact(meta['traceparent']) : {}),
    ...(isObject(inputResponses) ? { [ownAttributes.inputResponses]: Object.keys(inputResponses).length } : {}),
  };
}

function callAttributes({ method, params }: Asking, text: string): Attributes {
  if (method !== 'tools/call') {
    return {};
  }
  return { 'gen_ai.operation.name': 'execute_tool', ...textAttribute('gen_ai.tool.name', params['name']), ...argumentsAttribute(params, text) };
}

/** Returns exactly the arguments that are sent, with all digits of their numbers, but without white space. Arguments that are too long for that are only said to be there. */
function argumentsAttribute(params: JsonObject, text: string): Attributes {
  const fits = (json: string | undefined): boolean => json !== undefined && Buffer.byteLength(json) <= argumentsAttributeBytesMax;
  const given = params['arguments'];
  if (given === undefined) {
    return {};
  }
  if (!fits(JSON.stringify(given))) {
    return { [ownAttributes.argumentsFit]: false };
  }
  const [exact] = [parseExactNumbers(text)].flat();
  const exactParams = isObject(exact) ? exact['params'] : undefined;
  const json = JSON.stringify(isObject(exactParams) ? exactParams['arguments'] : undefined);
  return fits(json) ? { 'gen_ai.tool.call.arguments': json } : { [ownAttributes.argumentsFit]: false };
}

function textAttribute(name: string, value: unknown): Attributes {
  return typeof value === 'string' ? { [name]: checkName(value, name) } : {};
}

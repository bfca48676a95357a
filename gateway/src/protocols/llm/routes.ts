import type { Attributes } from '../../domain/action.ts';
import type { RequestHead } from '../../wire/http/reading.ts';
import type { ActionName } from './actions.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { openaiChat } from './openai-chat.ts';
import type { Shape } from './shape.ts';

/** What a method and path ask for, and how to read it. */
export interface Api {
  readonly action: ActionName;
  /** `gen_ai.operation.name` */
  readonly operation: string;
  /** `gen_ai.provider.name` */
  readonly provider: string;
  readonly shape: Shape;
  readonly takesBody: boolean;
  /** What the path says; it goes before what the body says. */
  readonly attributes: Attributes;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  api(match: Readonly<Record<string, string | undefined>>, head: RequestHead): Omit<Api, 'takesBody'> | null;
}

const version = String.raw`(?:/v\d+(?:(?:alpha|beta)\d*)?)?`;
/** Where OpenAI's API lies: with itself, OpenRouter (`/api/v1`), Azure (`/openai/v1`), Gemini (`/v1beta/openai`). */
const openai = String.raw`(?:(?<azure>/openai)|/api)?${version}(?:/openai)?`;
const deployment = '/openai/deployments/(?<model>[^/]+)';

const routes: readonly Route[] = [
  post(`${openai}/chat/completions`, (match) => ({ ...chat, ...ofOpenai(match), shape: openaiChat })),
  post(`${deployment}/chat/completions`, (match) => ({ ...chat, ...ofAzure(match), shape: openaiChat })),
  post(`${version}/messages`, () => ({ ...chat, ...anthropic })),
  post(`${version}/messages/count_tokens`, () => ({ ...countTokens, ...anthropic })),
];

/** Null for what is not known here, and for requests that may be read as another than they look. */
export function findApi(head: RequestHead): Api | null {
  const [path = ''] = head.path.split('?', 1);
  if (head.headers.some(([name, value]) => isAmbiguous(name, value))) {
    return null;
  }
  for (const route of routes) {
    const match = route.method === head.method ? route.path.exec(path) : null;
    if (match !== null) {
      const api = route.api(match.groups ?? {}, head);
      return api === null ? null : { ...api, takesBody: route.method === 'POST' };
    }
  }
  return null;
}

const chat = { action: 'llm.chat', operation: 'chat' } as const;
const countTokens = { action: 'llm.count_tokens', operation: 'count_tokens' } as const;
const anthropic = { provider: 'anthropic', shape: anthropicMessages, attributes: {} } as const;

function post(path: string, api: Route['api']): Route {
  return { method: 'POST', path: new RegExp(`^${path}$`), api };
}

function ofOpenai({ azure }: Readonly<Record<string, string | undefined>>): { readonly provider: string; readonly attributes: Attributes } {
  return { provider: azure === undefined ? 'openai' : 'azure.ai.openai', attributes: {} };
}

/** The deployment is the model: what the body calls it does not count. */
function ofAzure(match: Readonly<Record<string, string | undefined>>): { readonly provider: string; readonly attributes: Attributes } {
  return { provider: 'azure.ai.openai', attributes: modelOf(match) };
}

function modelOf({ model = '' }: Readonly<Record<string, string | undefined>>): Attributes {
  return { 'gen_ai.request.model': decodeName(model) };
}

/** What cannot be decoded stays as it is: no policy names it so. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The method may be overridden by a header, and a coded body is not the JSON it looks like. */
function isAmbiguous(name: string, value: string): boolean {
  return /^x-(http-)?method(-override)?$/.test(name) || (name === 'content-encoding' && value.trim().toLowerCase() !== 'identity');
}

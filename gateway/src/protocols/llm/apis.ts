import type { Attributes } from '../../domain/action.ts';
import { overridesMethod } from '../../exchange/headers.ts';
import type { RequestHead } from '../../exchange/reading.ts';
import type { ActionName } from './actions.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { bedrockConverse, bedrockInvoke } from './bedrock.ts';
import type { Dialect } from './failures.ts';
import { gemini } from './gemini.ts';
import { ollamaChat, ollamaEmbed, ollamaGenerate, ollamaModel } from './ollama.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiCompletions } from './openai-completions.ts';
import { models, openaiEmbeddings } from './openai-embeddings.ts';
import { openaiResponses } from './openai-responses.ts';
import type { Shape } from './shape.ts';

/** One endpoint of a provider's API: what a request to it asks for, and how to read it. */
export interface Api {
  readonly action: ActionName;
  /** `gen_ai.operation.name` */
  readonly operation: string;
  /** `gen_ai.provider.name` */
  readonly provider: string;
  readonly shape: Shape;
  /** The form in which clients of this API expect errors. */
  readonly dialect: Dialect;
  readonly takesBody: boolean;
  /** Facts from the path. They override those from the body. */
  readonly attributes: Attributes;
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  api(match: Match, head: RequestHead): Omit<Api, 'takesBody'>;
}

type Match = Readonly<Record<string, string | undefined>>;

const version = String.raw`(?:/v\d+(?:(?:alpha|beta)\d*)?)?`;
/** The base paths of OpenAI's API: with OpenAI, OpenRouter (`/api/v1`), Azure (`/openai/v1`) and Gemini (`/v1beta/openai`). */
const openai = `(?:(?<azure>/openai)|/api)?${version}(?:/openai)?`;
/** The paths of Anthropic's API: with Anthropic, and with OpenRouter (`/api/v1`). */
const anthropicApi = `(?:/api)?${version}/messages`;
const deployment = '/openai/deployments/(?<model>[^/]+)';
/** A place in Vertex AI: `/projects/P/locations/L`. */
const place = '/projects/[^/]+/locations/[^/]+';
/** Paths of the Gemini API and of Vertex AI: `/v1/projects/P/locations/L/publishers/google/models/M`. A client of Vertex AI with a key instead of an account leaves out the place. */
const google = `${version}(?<vertex>${place}(?:/publishers/google)?|/publishers/google)?/(?<kind>models|tunedModels|endpoints)/(?<model>[^/:]+)`;
/** Paths of Anthropic's models in Vertex AI. */
const claude = `${version}(?:${place})?/publishers/anthropic/models`;
const vertexOpenai = `${version}${place}/endpoints/[^/:]+`;
const bedrock = '/model/(?<model>[^/]+)';

const routes: readonly Route[] = [
  post(`${openai}/chat/completions`, (match) => ({ ...chat, ...ofOpenai(match), ...chatCompletions })),
  post(`${deployment}/chat/completions`, (match) => ({ ...chat, ...ofAzure(match), ...chatCompletions })),
  post(`${vertexOpenai}/chat/completions`, () => ({ ...chat, ...ofVertex({}), ...chatCompletions })),
  post(`${openai}/completions`, (match) => ({ ...complete, ...ofOpenai(match) })),
  post(`${deployment}/completions`, (match) => ({ ...complete, ...ofAzure(match) })),
  post(`${openai}/responses`, (match) => ({ ...chat, ...ofOpenai(match), ...responses })),
  post(`${openai}/responses/input_tokens`, (match) => ({ ...countTokens, ...ofOpenai(match), ...responses })),
  post('/api/embed(?:dings)?', () => ({ ...embed, ...ollama, shape: ollamaEmbed })),
  post(`${openai}/embeddings`, (match) => ({ ...embed, ...ofOpenai(match), ...embeddings })),
  post(`${deployment}/embeddings`, (match) => ({ ...embed, ...ofAzure(match), ...embeddings })),
  get(`${openai}/models(?:/(?<model>[^/:]+))?`, listModels),
  post(anthropicApi, () => ({ ...chat, ...anthropic, ...messages })),
  post(`${anthropicApi}/count_tokens`, () => ({ ...countTokens, ...anthropic, ...messages })),
  post(`${claude}/count-tokens:rawPredict`, () => ({ ...countTokens, ...ofVertex({}), ...messages })),
  post(`${claude}/(?<model>[^/:]+):(?:rawPredict|streamRawPredict)`, (match) => ({ ...chat, ...ofVertex(match), ...messages })),
  post(`${google}:generateContent`, (match) => ({ ...generate, ...ofGoogle(match, false) })),
  post(`${google}:streamGenerateContent`, (match) => ({ ...generate, ...ofGoogle(match, true) })),
  post(`${google}:countTokens`, (match) => ({ ...countTokens, ...ofGoogle(match) })),
  post(`${google}:(?:embedContent|batchEmbedContents)`, (match) => ({ ...embed, ...ofGoogle(match) })),
  post(`${bedrock}/converse`, (match) => ({ ...chat, ...ofBedrock(match, false), shape: bedrockConverse })),
  post(`${bedrock}/converse-stream`, (match) => ({ ...chat, ...ofBedrock(match, true), shape: bedrockConverse })),
  post(`${bedrock}/count-tokens`, (match) => ({ ...countTokens, ...ofBedrock(match), shape: bedrockConverse })),
  post(`${bedrock}/invoke`, (match) => ({ ...chat, ...ofBedrock(match, false), shape: bedrockInvoke })),
  post(`${bedrock}/invoke-with-response-stream`, (match) => ({ ...chat, ...ofBedrock(match, true), shape: bedrockInvoke })),
  post('/api/chat', () => ({ ...chat, ...ollama, shape: ollamaChat })),
  post('/api/generate', () => ({ ...textCompletion, ...ollama, shape: ollamaGenerate })),
  post('/api/show', () => ({ ...list, ...ollama, shape: ollamaModel })),
  get('/api/(?:tags|ps)', () => ({ ...list, ...ollama, shape: models })),
];

/** Most segments of a target's base path. */
const baseSegmentsMax = 8;

/** Finds the API of a recorded request. The recorded path includes the base path of the target, which may be any beginning of it, so each is tried. */
export function findBelowBase<Found>(head: RequestHead, find: (head: RequestHead) => Found | null): Found | null {
  let { path } = head;
  for (let dropped = 0; dropped <= baseSegmentsMax; dropped += 1) {
    const found = find({ ...head, path });
    const next = path.indexOf('/', 1);
    if (found !== null || next < 0) {
      return found;
    }
    path = path.slice(next);
  }
  return null;
}

/** Finds the API of a request by method, path and headers. Null if it is not known, or if a target may read the request as another than it looks. */
export function findApi(head: RequestHead): Api | null {
  const [path = ''] = head.path.split('?', 1);
  if (overridesMethod(head) || head.headers.some(([name, value]) => isEncoded(name, value))) {
    return null;
  }
  for (const route of routes) {
    const match = route.method === head.method ? route.path.exec(path) : null;
    if (match !== null) {
      return { ...route.api(match.groups ?? {}, head), takesBody: route.method === 'POST' };
    }
  }
  return null;
}

const chat = { action: 'llm.chat', operation: 'chat' } as const;
const generate = { action: 'llm.chat', operation: 'generate_content' } as const;
const embed = { action: 'llm.embed', operation: 'embeddings' } as const;
const textCompletion = { action: 'llm.chat', operation: 'text_completion' } as const;
const list = { action: 'llm.list_models', operation: 'list_models' } as const;
const countTokens = { action: 'llm.count_tokens', operation: 'count_tokens' } as const;

const chatCompletions = { shape: openaiChat, dialect: 'openai' } as const;
const complete = { ...textCompletion, shape: openaiCompletions, dialect: 'openai' } as const;
const responses = { shape: openaiResponses, dialect: 'openai-responses' } as const;
const embeddings = { shape: openaiEmbeddings, dialect: 'openai' } as const;
const messages = { shape: anthropicMessages, dialect: 'anthropic' } as const;

const anthropic = { provider: 'anthropic', attributes: {} } as const;
const ollama = { provider: 'ollama', dialect: 'ollama', attributes: {} } as const;

function post(path: string, api: Route['api']): Route {
  return { method: 'POST', path: new RegExp(`^${path}$`), api };
}

function get(path: string, api: Route['api']): Route {
  return { method: 'GET', path: new RegExp(`^${path}$`), api };
}

function ofOpenai({ azure }: Match): Pick<Api, 'provider' | 'attributes'> {
  return { provider: azure === undefined ? 'openai' : 'azure.ai.openai', attributes: {} };
}

/** In Azure, the deployment in the path is the model; the body's `model` does not count. */
function ofAzure({ model }: Match): Pick<Api, 'provider' | 'attributes'> {
  return { provider: 'azure.ai.openai', attributes: named(model) };
}

function ofVertex({ model }: Match): Pick<Api, 'provider' | 'attributes'> {
  return { provider: 'gcp.vertex_ai', attributes: named(model) };
}

/** The names of tuned models and endpoints include their kind, such as `tunedModels/M`. */
function ofGoogle({ vertex, kind, model = '' }: Match, isStream?: boolean): Pick<Api, 'provider' | 'attributes' | 'shape' | 'dialect'> {
  const name = kind === 'models' ? model : `${kind}/${model}`;
  return {
    provider: vertex === undefined ? 'gcp.gemini' : 'gcp.vertex_ai',
    shape: gemini,
    dialect: 'gemini',
    attributes: { ...named(name), ...streaming(isStream) },
  };
}

function ofBedrock({ model }: Match, isStream?: boolean): Pick<Api, 'provider' | 'attributes' | 'dialect'> {
  return { provider: 'aws.bedrock', dialect: 'bedrock', attributes: { ...named(model), ...streaming(isStream) } };
}

/** OpenAI, Anthropic and Gemini share this path. A header tells Anthropic's clients; a header or the version tells Gemini's. */
function listModels({ model, azure }: Match, head: RequestHead): Omit<Api, 'takesBody'> {
  const has = (wanted: string): boolean => head.headers.some(([name]) => name === wanted);
  const isGoogle = has('x-goog-api-key') || /^\/v1(?:alpha|beta)\d*\/models/.test(head.path);
  const dialect = has('anthropic-version') ? 'anthropic' : isGoogle ? 'gemini' : 'openai';
  const provider = { anthropic: 'anthropic', gemini: 'gcp.gemini', openai: ofOpenai({ azure }).provider }[dialect];
  return { ...list, provider, shape: models, dialect, attributes: named(model) };
}

function streaming(isStream: boolean | undefined): Attributes {
  return isStream === undefined ? {} : { 'gen_ai.request.stream': isStream };
}

function named(model: string | undefined): Attributes {
  return model === undefined ? {} : { 'gen_ai.request.model': decodeName(model) };
}

/** Undoes the percent encoding of a model's name. A name that cannot be decoded stays as it is: no policy can name it. */
function decodeName(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** True for a header that states that the body is encoded, and thus not plain JSON. */
function isEncoded(name: string, value: string): boolean {
  return name === 'content-encoding' && value.trim().toLowerCase() !== 'identity';
}

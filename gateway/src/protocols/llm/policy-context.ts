import type { ContextField } from '../../domain/context-field.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import { modalities } from './modalities.ts';

/** The facts about requests to models that policies may speak of. */
export const context: readonly ContextField[] = [
  {
    name: 'model',
    type: 'text',
    attribute: 'gen_ai.request.model',
    absent: '',
    title: 'The name of the model, as the request gives it; empty if it names none.',
  },
  {
    name: 'otherModels',
    type: 'texts',
    attribute: ownAttributes.otherModels,
    absent: [],
    title: 'Models, besides that one, that may answer or that the provider may ask.',
  },
  {
    name: 'provider',
    type: 'text',
    attribute: 'gen_ai.provider.name',
    absent: '',
    title: 'Whose API it is, judged by the path: openai, anthropic and others.',
  },
  { name: 'tools', type: 'texts', attribute: 'gen_ai.tool.definitions', absent: [], title: 'The names of the tools that are offered to the model.' },
  {
    name: 'serverTools',
    type: 'texts',
    attribute: ownAttributes.serverTools,
    absent: [],
    title: 'Those of the tools that the provider runs, or may: web_search, mcp/SERVER and so on. Tools that drive a computer count too.',
  },
  {
    name: 'modalities',
    type: 'texts',
    attribute: ownAttributes.modalities,
    absent: [],
    oneOf: modalities,
    title: 'The kinds of content that are sent: any of text, image, audio, video, file, other.',
  },
  {
    name: 'providerContext',
    type: 'texts',
    attribute: ownAttributes.providerContext,
    absent: [],
    title: 'What the provider keeps and adds to the prompt, each as MEMBER=ID: previous_response_id, prompt, cachedContent, preset.',
  },
  { name: 'stream', type: 'boolean', attribute: 'gen_ai.request.stream', absent: false, title: 'True if the answer is to come in pieces.' },
  {
    name: 'maxTokens',
    type: 'number',
    attribute: 'gen_ai.request.max_tokens',
    absent: Number.MAX_SAFE_INTEGER,
    title: 'The most tokens that the answer may have; 9007199254740991 if the request does not say.',
  },
  { name: 'method', type: 'text', attribute: 'http.request.method', absent: '', title: 'The method of a request whose API is not known, in capitals.' },
  {
    name: 'path',
    type: 'text',
    attribute: 'url.path',
    absent: '',
    isContent: true,
    title: 'The path of a request whose API is not known, or that opens a WebSocket.',
  },
];

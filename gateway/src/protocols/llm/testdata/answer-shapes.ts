import assert from 'node:assert/strict';
import type { Served, ServedShape } from '../../../../../tests/support/contract.ts';
import { composeAwsMessage } from '../../../content/aws-event-stream.ts';
import { forms, joined, lines, sse, type Event, type Form } from './streamed-forms.ts';

/** An API of a provider: its path, and the body of a request that contains some words. */
interface Asking {
  readonly path: string;
  readonly request: (said: string) => string;
}

const asking = (path: string, body: (said: string) => object): Asking => ({ path, request: (said) => JSON.stringify(body(said)) });
const user = (content: unknown): object => ({ messages: [{ role: 'user', content }] });
const chat = asking('/v1/chat/completions', (said) => ({ model: 'm', stream: true, ...user(said) }));
const completions = asking('/v1/completions', (prompt) => ({ model: 'm', prompt }));
const responses = asking('/v1/responses', (input) => ({ model: 'm', input }));
const messages = asking('/v1/messages', (said) => ({ model: 'm', max_tokens: 9, ...user(said) }));
const converse = asking('/model/m/converse', (said) => user([{ text: said }]));
const converseStream = { ...converse, path: '/model/m/converse-stream' };
const invoke = asking('/model/anthropic.m/invoke-with-response-stream', (said) => ({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, ...user(said) }));
const generate = asking('/v1beta/models/m:generateContent', (said) => ({ contents: [{ parts: [{ text: said }] }] }));
const generateStream = { ...generate, path: '/v1beta/models/m:streamGenerateContent?alt=sse' };
const ollama = asking('/api/chat', (said) => ({ model: 'm', ...user(said) }));
const own = asking('/v1/own', (said) => ({ said }));

/** The name of each stream in the README, and how it is asked for, by the form of its events. */
const streams: Readonly<Record<keyof typeof forms, readonly [name: string, Asking]>> = {
  'chat completions': ['Chat Completions, a stream: text, arguments of tools', chat],
  'members that a server has of its own': ['Chat Completions, a stream with members of a server’s own', chat],
  'content as a list': ['Chat Completions, a stream with content as a list, and transcripts of audio', chat],
  'two choices': ['Chat Completions, a stream of several choices', chat],
  completions: ['Completions, a stream', completions],
  responses: ['Responses, a stream: text, arguments of tools', responses],
  messages: ['Messages, a stream: text, input of tools', messages],
  'messages of Bedrock': ['InvokeModel of Bedrock for Messages, a stream (frames of events in base64)', invoke],
  converse: ['Converse of Bedrock, a stream (frames)', converseStream],
  gemini: ['Gemini, a stream: text, thoughts', generateStream],
  'gemini as a list': ['Gemini, a list', { ...generate, path: '/v1beta/models/m:streamGenerateContent' }],
  'arguments of gemini': ['Gemini, a stream of arguments of functions', generateStream],
  ollama: ['Ollama, lines', ollama],
};

/** A member that holds words as JSON in a text, as arguments of tools do. */
const argumentsOf = (words: string): string => JSON.stringify({ to: words });

/** The whole answers, by their names in the README. */
const wholes: Readonly<Record<string, readonly [Asking, (words: string) => object]>> = {
  'Chat Completions': [
    chat,
    (words) => ({
      id: 'c',
      model: 'm',
      choices: [{ index: 0, message: { content: words, tool_calls: [{ id: 't', function: { name: 'f', arguments: argumentsOf(words) } }] } }],
    }),
  ],
  Completions: [completions, (words) => ({ id: 'c', model: 'm', choices: [{ index: 0, text: words }] })],
  Responses: [
    responses,
    (words) => ({
      id: 'resp',
      model: 'm',
      output: [
        { type: 'message', content: [{ type: 'output_text', text: words }] },
        { type: 'function_call', name: 'f', arguments: argumentsOf(words) },
      ],
    }),
  ],
  Messages: [
    messages,
    (words) => ({
      id: 'm',
      model: 'm',
      content: [
        { type: 'text', text: words },
        { type: 'tool_use', name: 'f', input: { to: [words] } },
      ],
    }),
  ],
  'Converse of Bedrock': [
    converse,
    (words) => ({ output: { message: { role: 'assistant', content: [{ text: words }, { toolUse: { name: 'f', input: { to: words } } }] } } }),
  ],
  Gemini: [generate, (words) => ({ candidates: [{ content: { parts: [{ text: words }, { functionCall: { name: 'f', args: { to: words } } }] } }] })],
  Ollama: [ollama, (words) => ({ model: 'm', message: { role: 'assistant', content: words }, done: true })],
  'JSON of an API that is not known': [own, (words) => ({ said: words })],
};

/** Returns a text in short pieces. */
const cut = (text: string): readonly string[] => text.match(/.{1,3}/gs) ?? [];

/** Two texts, each piece of them in an event of its own, in turn. */
function pieces({ piece, ends = [] }: Form, words: string): readonly Event[] {
  const [first, second] = [cut(words), cut(argumentsOf(words))];
  return [...second.flatMap((text, i) => [...first.slice(i, i + 1).map((each) => piece(0, each)), piece(1, text)]), ...ends];
}

function streamed([form, [name, api]]: readonly [string, readonly [string, Asking]]): ServedShape {
  const [wire, events] = forms[form] ?? assert.fail(form);
  return {
    name,
    outcome: 'masked',
    ...api,
    serve: (words) => ({ headers: { 'content-type': wire.type }, body: wire.write(pieces(events, words)) }),
    read: (body) => joined(wire.read(body)).join('\n'),
  };
}

/** The messages over WebSocket in which a text comes in pieces, and whole in the last one. */
function live(name: string, api: Asking, { piece, ends }: { readonly piece: (text: string) => object; readonly ends: (text: string) => object }): ServedShape {
  return {
    name,
    outcome: 'masked',
    ...api,
    serve: (words): Served => ({ body: Buffer.alloc(0), messages: [...cut(words).map(piece), ends(words)].map((each) => JSON.stringify(each)) }),
    read: (body) => {
      const said = body.toString().split('\n');
      return [...joined(said), said.at(-1)].join('\n');
    },
  };
}

const item = { item_id: 'msg', response_id: 'resp', content_index: 0 };
const spoken = {
  piece: (delta: string): object => ({ type: 'response.output_audio_transcript.delta', ...item, delta }),
  ends: (transcript: string): object => ({ type: 'response.output_audio_transcript.done', ...item, transcript }),
};
const written = {
  piece: (delta: string): object => ({ type: 'response.output_text.delta', ...item, delta }),
  ends: (text: string): object => ({ type: 'response.output_text.done', ...item, text }),
};
const turn = {
  piece: (text: string): object => ({ serverContent: { modelTurn: { parts: [{ text }] } } }),
  ends: (text: string): object => ({ toolCall: { functionCalls: [{ name: 'f', args: { to: text } }] }, serverContent: { turnComplete: true } }),
};

/** Every shape in which a model may answer. */
export const answerShapes: readonly ServedShape[] = [
  ...Object.entries(wholes).map(([name, [api, answer]]): ServedShape => ({
    name,
    outcome: 'masked',
    ...api,
    serve: (words) => ({ headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(answer(words))) }),
  })),
  ...Object.entries(streams).map(streamed),
  live(
    'Responses over WebSocket',
    asking('/v1/responses', (input) => ({ type: 'response.create', model: 'm', input })),
    written,
  ),
  live(
    'Realtime over WebSocket: text, transcripts',
    asking('/v1/realtime?model=m', (instructions) => ({ type: 'response.create', response: { instructions } })),
    spoken,
  ),
  live(
    'Gemini Live over WebSocket',
    asking('/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent', (text) => ({
      setup: { model: 'models/m', systemInstruction: { parts: [{ text }] } },
    })),
    turn,
  ),
  {
    name: 'an error',
    outcome: 'masked',
    ...chat,
    serve: (words) => ({ status: 400, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify({ error: { message: words } })) }),
  },
  {
    name: 'an error in a stream of Bedrock',
    outcome: 'masked',
    ...converseStream,
    serve: (words) => ({
      headers: { 'content-type': 'application/vnd.amazon.eventstream' },
      body: composeAwsMessage({ ':message-type': 'exception', ':exception-type': 'validationException' }, Buffer.from(JSON.stringify({ message: words }))),
    }),
    read: (body) =>
      body
        .toString('latin1')
        .replace(/^.*(?=\{)/s, '')
        .replace(/[^}]*$/, ''),
  },
  {
    name: 'an API that is not known, a stream of events in a form that is not known',
    outcome: 'refused',
    ...own,
    serve: (words) => ({
      headers: { 'content-type': sse.type },
      body: sse.write(cut(words).map((text) => ({ type: 'content-delta', delta: { message: { text } } }))),
    }),
    read: (body) => [...body.toString().matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text).join(''),
  },
  {
    name: 'an API that is not known, a stream of text',
    outcome: 'refused',
    ...own,
    serve: (words) => ({
      headers: { 'content-type': sse.type },
      body: Buffer.from(
        words
          .split(/(?=[a-z@.])/)
          .map((text) => `data: ${text}\n\n`)
          .join(''),
      ),
    }),
    read: (body) => body.toString().replaceAll(/^data: |\n\n/gm, ''),
  },
  {
    name: 'an API that is not known, lines in a form that is not known',
    outcome: 'refused',
    ...own,
    serve: (words) => ({ headers: { 'content-type': lines.type }, body: lines.write(cut(words).map((token) => ({ token: { text: token } }))) }),
    read: (body) => [...body.toString().matchAll(/"text":"([^"]*)"/g)].map(([, text]) => text).join(''),
  },
  {
    name: 'audio, images and other bytes',
    outcome: 'refused',
    ...asking('/v1/audio/speech', (input) => ({ model: 'm', input })),
    serve: (words) => ({ headers: { 'content-type': 'audio/mpeg' }, body: Buffer.from(words) }),
  },
];

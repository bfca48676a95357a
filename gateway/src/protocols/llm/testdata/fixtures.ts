import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attributes } from '../../../domain/action.ts';
import { readAnswer as readFrames } from '../../../exchange/reading.ts';
import { ModelAnswer } from '../answer.ts';
import { findApi } from '../apis.ts';
import type { Message } from '../transcript.ts';
import { awsEvent } from './aws-messages.ts';

export function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, name));
}

export interface Sample {
  readonly name: string;
  readonly path: string;
  readonly request: Buffer;
  readonly answer: Buffer;
  readonly streams: readonly { readonly path: string; readonly type: string; readonly bytes: Buffer }[];
}

const sse = 'text/event-stream; charset=utf-8';
const aws = 'application/vnd.amazon.eventstream';
const awsVersion = { anthropic_version: 'bedrock-2023-05-31' };

/** One conversation, with its answer whole and streamed, in the form of each API. */
export const samples: readonly Sample[] = [
  {
    name: 'openai-chat',
    path: '/v1/chat/completions',
    request: fixture('openai-chat-request.json'),
    answer: fixture('openai-chat-answer.json'),
    streams: [{ path: '/v1/chat/completions', type: sse, bytes: fixture('openai-chat-stream.txt') }],
  },
  {
    name: 'openai-responses',
    path: '/v1/responses',
    request: fixture('openai-responses-request.json'),
    answer: fixture('openai-responses-answer.json'),
    streams: [{ path: '/v1/responses', type: sse, bytes: fixture('openai-responses-stream.txt') }],
  },
  {
    name: 'anthropic',
    path: '/v1/messages',
    request: fixture('anthropic-request.json'),
    answer: fixture('anthropic-answer.json'),
    streams: [{ path: '/v1/messages', type: sse, bytes: fixture('anthropic-stream.txt') }],
  },
  {
    name: 'gemini',
    path: '/v1beta/models/gemini-2.5-pro:generateContent',
    request: fixture('gemini-request.json'),
    answer: fixture('gemini-answer.json'),
    streams: [
      { path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse', type: sse, bytes: fixture('gemini-stream.txt') },
      { path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent', type: 'application/json; charset=UTF-8', bytes: fixture('gemini-stream.json') },
    ],
  },
  {
    name: 'bedrock-converse',
    path: '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse',
    request: fixture('bedrock-converse-request.json'),
    answer: fixture('bedrock-converse-answer.json'),
    streams: [{ path: '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse-stream', type: aws, bytes: converseStream() }],
  },
  {
    name: 'bedrock-invoke',
    path: '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke',
    request: Buffer.from(JSON.stringify({ ...JSON.parse(fixture('anthropic-request.json').toString()), ...awsVersion })),
    answer: fixture('anthropic-answer.json'),
    streams: [{ path: '/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream', type: aws, bytes: invokeStream() }],
  },
  {
    name: 'vertex-claude',
    path: '/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict',
    request: Buffer.from(JSON.stringify({ ...JSON.parse(fixture('anthropic-request.json').toString()), anthropic_version: 'vertex-2023-10-16' })),
    answer: fixture('anthropic-answer.json'),
    streams: [
      {
        path: '/v1/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5@20250929:streamRawPredict',
        type: sse,
        bytes: fixture('anthropic-stream.txt'),
      },
    ],
  },
  {
    name: 'ollama-chat',
    path: '/api/chat',
    request: fixture('ollama-chat-request.json'),
    answer: fixture('ollama-chat-answer.json'),
    streams: [{ path: '/api/chat', type: 'application/x-ndjson', bytes: fixture('ollama-chat-stream.ndjson') }],
  },
];

function converseStream(): Buffer {
  const lines = fixture('bedrock-converse-stream.ndjson').toString().trim().split('\n');
  return Buffer.concat(
    lines.map((line) => {
      const { type, event } = JSON.parse(line);
      return awsEvent(type, event);
    }),
  );
}

function invokeStream(): Buffer {
  const events = [
    ...fixture('anthropic-stream.txt')
      .toString()
      .matchAll(/^data: (.*)$/gm),
  ];
  return Buffer.concat(events.map(([, data = '']) => awsEvent('chunk', { bytes: Buffer.from(data).toString('base64'), p: 'abcdefgh' })));
}

export interface ReadAnswer {
  readonly facts: Attributes;
  readonly messages: readonly Message[];
}

/** Reads an answer to a POST to this path, given in these pieces. The facts are read without keeping text. */
export function readAnswer(
  path: string,
  head: { readonly type: string; readonly status?: number; readonly headers?: readonly (readonly [string, string])[] },
  pieces: readonly Uint8Array[],
): ReadAnswer {
  const shape = findApi({ method: 'POST', path, headers: [] })?.shape ?? null;
  const [reader, forFacts] = [new ModelAnswer(shape, { text: 1_000_000, arguments: 1_000_000 }), new ModelAnswer(shape)];
  for (const each of [reader, forFacts]) {
    const answered = { status: head.status ?? 200, headers: [['content-type', head.type] as const, ...(head.headers ?? [])] };
    readFrames(
      each,
      answered,
      pieces.map((piece) => Buffer.from(piece)),
    );
  }
  return { facts: forFacts.facts(), messages: reader.messages() };
}

export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const cuts = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return cuts.slice(1).map((cut, i) => bytes.subarray(cuts[i], cut));
}

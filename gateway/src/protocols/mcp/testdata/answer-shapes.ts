import type { ServedShape } from '../../../../../tests/support/contract.ts';

const base64 = (words: string): string => Buffer.from(`${words}\n`).toString('base64');
const message = (of: object): string => JSON.stringify({ jsonrpc: '2.0', ...of });
const result = (of: object): string => message({ id: 1, result: of });
const text = (words: string): object => ({ type: 'text', text: words });
const progress = (words: string): string => message({ method: 'notifications/progress', params: { progressToken: 1, progress: 1, message: words } });
const logged = (words: string): string => message({ method: 'notifications/message', params: { level: 'info', data: { said: words } } });
const asked = (words: string): string =>
  message({ id: 'ask', method: 'elicitation/create', params: { message: words, requestedSchema: { type: 'object', properties: {} } } });

/** The messages of an answer, by their names in the README. */
const answers: Readonly<Record<string, (words: string) => readonly string[]>> = {
  'the text of a tool': (words) => [result({ content: [text(words)] })],
  'the structured content of a tool': (words) => [result({ content: [text(JSON.stringify({ to: words }))], structuredContent: { to: { [words]: [words] } } })],
  'an error of a tool': (words) => [result({ content: [text(words)], isError: true })],
  'an error of the protocol': (words) => [message({ id: 1, error: { code: -32_603, message: words, data: { of: words } } })],
  'a resource within a result': (words) => [result({ content: [{ type: 'resource', resource: { uri: 'memo://1', mimeType: 'text/plain', text: words } }] })],
  'text in base64, with a `mimeType` that says that it is text': (words) => [
    result({ content: [{ type: 'resource', resource: { uri: 'memo://1', mimeType: 'text/plain', blob: base64(words) } }] }),
  ],
  'a prompt of the server': (words) => [result({ messages: [{ role: 'user', content: text(words) }] })],
};
/** Messages before the answer, which come in a stream alone. */
const earlier: Readonly<Record<string, (words: string) => readonly string[]>> = {
  'a notification: progress, a message of the log': (words) => [progress(words), logged(words), result({ content: [] })],
  'a request of the server, such as an elicitation': (words) => [asked(words), result({ content: [] })],
};

function shapes(form: string, messagesOf: typeof answers, serve: (messages: readonly string[]) => ReturnType<ServedShape['serve']>): readonly ServedShape[] {
  return Object.entries(messagesOf).map(([name, answer]) => ({
    name,
    form,
    outcome: 'masked',
    serve: (words) => serve(answer(words)),
    read: (body) => body.toString().replaceAll(/"blob":"([^"]*)"/g, (_found, blob: string) => Buffer.from(blob, 'base64').toString()),
  }));
}

/** Every shape in which a server over HTTP may answer. */
export const answerShapes: readonly ServedShape[] = [
  ...shapes('JSON', answers, (messages) => ({ headers: { 'content-type': 'application/json' }, body: Buffer.from(messages.join('\n')) })),
  ...shapes('events', { ...answers, ...earlier }, (messages) => ({
    headers: { 'content-type': 'text/event-stream' },
    body: Buffer.from(messages.map((each) => `event: message\ndata: ${each}\n\n`).join('')),
  })),
  {
    name: 'an answer of another type',
    outcome: 'refused',
    serve: (words) => ({ headers: { 'content-type': 'application/octet-stream' }, body: Buffer.from(words) }),
  },
];

/** Every shape in which a server that is a process may answer. */
export const processShapes: readonly ServedShape[] = shapes('lines of a process', { ...answers, ...earlier }, (messages) => ({
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from(messages.map((each) => `${each}\n\n`).join('')),
}));

import type { Served, ServedShape } from '../../../../../tests/support/contract.ts';
import { composeAwsMessage } from '../../../content/aws-event-stream.ts';

const json = (words: string): Buffer => Buffer.from(JSON.stringify({ said: words, list: [1.5, words, true, null], [`of ${words}`]: 2 }));
const as =
  (type: string, write: (words: string) => Buffer | string, more: Omit<Served, 'body'> = {}) =>
  (words: string): Served => ({ ...more, headers: { ...(type === '' ? {} : { 'content-type': type }), ...more.headers }, body: Buffer.from(write(words)) });
const coded = (coding: NonNullable<Served['coding']>): ((words: string) => Served) => as('application/json', json, { coding });
const form =
  (type: string) =>
  (words: string): string =>
    `--edge\r\nContent-Disposition: form-data; name="note"\r\n\r\n${words}\r\n--edge\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: ${type}\r\n\r\n${words}\r\n--edge--\r\n`;
const formType = 'multipart/form-data; boundary=edge';
const events = (words: string): string => `id: 1\ndata: {"said":${JSON.stringify(words)}}\n\ndata: ${words}\ndata: and ${words}\n\n: ${words}\n\n`;
const aws = (words: string): Buffer => {
  const event = composeAwsMessage({ ':message-type': 'event', ':event-type': 'said' }, json(words));
  return Buffer.concat([event, event]);
};

/** Every shape in which a target over HTTP may answer. */
export const answerShapes: readonly ServedShape[] = [
  { name: 'JSON', outcome: 'masked', serve: as('application/json', json) },
  { name: 'JSON of another type (`application/problem+json`), of an error', outcome: 'masked', serve: as('application/problem+json', json, { status: 400 }) },
  { name: 'lines of JSON', outcome: 'masked', serve: as('application/x-ndjson', (words) => `${String(json(words))}\n{"a":1}\n${String(json(words))}\n`) },
  {
    name: 'text of any kind (`text/plain`, `text/html`, `text/csv`)',
    outcome: 'masked',
    serve: as('text/html; charset=utf-8', (words) => `<p>ü ${words}\n<b>${words}</b>`),
  },
  { name: 'no media type', outcome: 'masked', serve: as('', (words) => `ü ${words}`) },
  { name: 'an event stream', outcome: 'masked', serve: as('text/event-stream', events) },
  { name: 'an event stream of AWS (`application/vnd.amazon.eventstream`)', outcome: 'masked', serve: as('application/vnd.amazon.eventstream', aws) },
  {
    name: 'a form (`application/x-www-form-urlencoded`)',
    outcome: 'masked',
    serve: as('application/x-www-form-urlencoded', (words) => new URLSearchParams({ to: words, other: 'a b' }).toString()),
    read: (body) => [...new URLSearchParams(body.toString())].join('\n'),
  },
  { name: 'a form in parts (`multipart/form-data`) whose parts are texts', outcome: 'masked', serve: as(formType, form('text/plain')) },
  { name: 'gzip', outcome: 'masked', serve: coded('gzip') },
  { name: 'br', outcome: 'masked', serve: coded('br') },
  { name: 'zstd', outcome: 'masked', serve: coded('zstd') },
  { name: 'deflate', outcome: 'masked', serve: coded('deflate') },
  {
    name: 'values of headers and trailers',
    outcome: 'masked',
    serve: (words) => ({ headers: { 'content-type': 'text/plain', 'x-owner': words }, body: Buffer.from(words), trailers: { 'x-last': words } }),
  },
  {
    name: 'messages over WebSocket',
    outcome: 'masked',
    path: '/socket',
    serve: (words) => ({ body: Buffer.alloc(0), messages: [words, json(words), 'the end'] }),
  },
  {
    name: 'a message over WebSocket that is not UTF-8',
    outcome: 'refused',
    path: '/socket',
    serve: (words) => ({ body: Buffer.alloc(0), messages: [Buffer.concat([Buffer.from([0xff]), Buffer.from(words)])] }),
  },
  { name: 'a form in parts with another part, such as an image', outcome: 'refused', serve: as(formType, form('image/png')) },
  { name: 'several parts of another kind (`multipart/mixed`)', outcome: 'refused', serve: as('multipart/mixed; boundary=edge', form('text/plain')) },
  {
    name: 'a part of an answer (206)',
    outcome: 'refused',
    serve: as('text/plain', (words) => words, { status: 206, headers: { 'content-range': 'bytes 0-199/400' } }),
  },
  {
    name: 'an unknown content coding, or several',
    outcome: 'refused',
    serve: as('text/plain', (words) => words, { headers: { 'content-encoding': 'gzip, x-own' } }),
  },
  {
    name: 'text in another charset than UTF-8',
    outcome: 'refused',
    serve: as('text/plain; charset=utf-16le', (words) => Buffer.from(words, 'utf16le')),
    read: (body) => body.toString('utf16le'),
  },
  {
    name: 'bytes that are not UTF-8, whatever their type',
    outcome: 'refused',
    serve: as('text/plain', (words) => Buffer.concat([Buffer.from(words), Buffer.from([0xff])])),
  },
  { name: 'any other type (XML, images, archives, protobuf)', outcome: 'refused', serve: as('application/xml', (words) => `<a>${words}</a>`) },
];

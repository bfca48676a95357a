import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';
import type { Access, Entry, EntryConnection, ExchangeWay } from './contract.ts';
import { textOf } from './live-models.ts';
import { within } from './wait-until.ts';

/** More than a body that is in one record with its head. */
const longBytes = 70_000;

type Answer = Awaited<ReturnType<EntryConnection['ask']>>;

/** A request for a target, as a client of its protocol makes it. */
interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The entries that every target over HTTP has. */
export function httpEntries(way: ExchangeWay, heard: Entry['heard']): readonly Entry[] {
  const posting = (send: (post: Post) => Promise<Answer>, more = ''): Pick<Entry, 'connect' | 'heard'> => ({
    connect: (access) => ({
      ask: async (said) => {
        const { isAllowed, text: told } = await within(
          send({ ...addressed(way, access), body: way.body(`${said}${more}`) }),
          `the answer to ${JSON.stringify(said)}`,
        ).catch(failedWith);
        // An answer may report an error in its body although its status is a success.
        return { isAllowed: isAllowed && !told.includes('"error":'), text: told };
      },
      close: async () => Promise.resolve(),
    }),
    heard,
  });
  const { socket } = way;
  return [
    { name: 'HTTP/1.1', ...posting(async (post) => sendPlain(post, post.body)) },
    { name: 'HTTP/1.1 that only the server of Node reads', ...posting(sendExpecting) },
    { name: 'HTTP/2', ...posting(sendOverHttp2) },
    { name: 'a body of unknown length', ...posting(async (post) => sendPlain(post, Readable.from([Buffer.from(post.body)]))) },
    { name: 'a long body', ...posting(async (post) => sendPlain(post, post.body), ` ${'x'.repeat(longBytes)}`) },
    ...(socket === undefined ? [] : [{ name: 'WebSocket', connect: (access: Access) => socketConnection({ ...way, socket }, access), heard }]),
  ];
}

function addressed(way: ExchangeWay, { addresses, token }: Access): Omit<Post, 'body'> {
  return {
    url: new URL(`http://${addresses['http']}/t/${way.target}${way.path}`),
    headers: { authorization: `Bearer ${token}`, 'content-type': way.type, accept: 'application/json, text/event-stream', ...way.headers },
  };
}

async function sendPlain({ url, headers }: Post, body: string | Readable): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', headers, body, duplex: 'half' });
  return { isAllowed: response.ok, text: await response.text() };
}

async function sendExpecting({ url, headers, body }: Post): Promise<Answer> {
  const asking = request(url, { method: 'POST', headers: { ...headers, expect: '100-continue', 'content-length': Buffer.byteLength(body) } });
  asking.once('continue', () => asking.end(body));
  asking.flushHeaders();
  const [response] = await once(asking, 'response');
  return { isAllowed: response.statusCode < 400, text: await text(response) };
}

async function sendOverHttp2({ url, headers, body }: Post): Promise<Answer> {
  const session = connectHttp2(url.origin);
  try {
    const stream = session.request({ ':method': 'POST', ':path': url.pathname, ...headers });
    stream.end(body);
    const [answer] = await once(stream, 'response');
    return { isAllowed: Number(answer[':status']) < 400, text: await text(stream) };
  } finally {
    session.close();
  }
}

/** A connection for each message: the server closes it after its answer. */
function socketConnection(
  { target, socket: { path, message } }: ExchangeWay & Required<Pick<ExchangeWay, 'socket'>>,
  { addresses, token }: Access,
): EntryConnection {
  return {
    ask: async (said) => {
      const client = new WebSocket(`ws://${addresses['http']}/t/${target}${path}`, { headers: { authorization: `Bearer ${token}` } });
      const told: string[] = [];
      client.on('error', () => undefined);
      client.once('open', () => {
        client.send(message(said));
      });
      client.on('message', (data) => {
        told.push(textOf(data));
        // A protocol that has messages for errors does not close the connection with one.
        if (isError(told)) {
          client.close();
        }
      });
      const refused = new Promise<Answer>((resolve) => {
        client.once('unexpected-response', (_request, response) => {
          resolve(text(response).then((body) => ({ isAllowed: false, text: body })));
        });
      });
      const closed = new Promise<Answer>((resolve) => {
        client.once('close', (code, reason) => {
          resolve({ isAllowed: code === 1000 && !isError(told), text: [...told, reason.toString()].join('\n') });
        });
      });
      const answer = await within(Promise.race([refused, closed]), `the answer to ${JSON.stringify(said)}`).catch(failedWith);
      client.terminate();
      return answer;
    },
    close: async () => Promise.resolve(),
  };
}

function failedWith(error: unknown): Answer {
  return { isAllowed: false, text: String(error) };
}

function isError(told: readonly string[]): boolean {
  return told.some((each) => each.includes('"error":'));
}

import { request, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { WebSocket, type RawData } from 'ws';
import type { Access, AskedShape, ExchangeWay, Served, ServedShape, ShapedAnswer } from './contract.ts';
import { textOf } from './live-models.ts';
import { encode, type StreamServer } from './stream-server.ts';
import { within } from './wait-until.ts';

/** Makes a shape that the server of the targets over HTTP serves to who asks for it. */
export function servedShape(way: ExchangeWay, shape: ServedShape, server: StreamServer): AskedShape {
  const { name, form = '', outcome } = shape;
  const read = (body: Buffer): string => shape.read?.(body) ?? body.toString();
  const textIn = ({ body, messages }: Served): string => read(messages === undefined ? body : joined(messages));
  return {
    name,
    form,
    outcome,
    text: (words) => textIn(shape.serve(words)),
    ask: async (access, words) => {
      const served = shape.serve(words);
      const said = `the shape ${name} ${form}.`;
      server.prepared.set(said, served);
      try {
        const asked = { url: `${access.addresses['http']}/t/${way.target}${shape.path ?? way.path}`, said: shape.request?.(said) ?? way.body(said) };
        const { bytes, body } = await within(served.messages === undefined ? post(way, access, asked) : talk(access, asked), `the answer in ${said}`);
        // A server that is a process gives no bodies.
        const bodies =
          way.place === undefined ? ([body, served.messages === undefined ? encode(served.body, served.coding) : joined(served.messages)] as const) : null;
        return { bytes, text: served.coding !== undefined && bodies?.[0].equals(bodies[1]) === true ? textIn(served) : readable(read, body), bodies };
      } finally {
        server.prepared.delete(said);
      }
    },
  };
}

/** Returns the text of a body; its bytes if it is not in its shape, as an error is. */
function readable(read: (body: Buffer) => string, body: Buffer): string {
  try {
    return read(body);
  } catch {
    return body.toString();
  }
}

interface Asked {
  readonly url: string;
  readonly said: string;
}

type Got = Pick<ShapedAnswer, 'bytes'> & { readonly body: Buffer };

/** Sends a request. The body of the answer stays in its coding. */
async function post({ type, headers }: ExchangeWay, { token }: Access, { url, said }: Asked): Promise<Got> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const accept = 'application/json, text/event-stream';
  request(
    `http://${url}`,
    { method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': type, accept, 'accept-encoding': 'gzip, br, zstd, deflate', ...headers } },
    resolve,
  )
    .on('error', reject)
    .end(said);
  const answer = await promise;
  const body = await buffer(answer).catch(() => Buffer.alloc(0));
  const head = Buffer.from([...answer.rawHeaders, ...answer.rawTrailers].join('\n'));
  return { bytes: Buffer.concat([head, body]), body };
}

/** Says something over WebSocket, and listens until the connection is closed. */
async function talk({ token }: Access, { url, said }: Asked): Promise<Got> {
  const client = new WebSocket(`ws://${url}`, { headers: { authorization: `Bearer ${token}` } });
  const messages: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  client.on('message', (message: RawData) => messages.push(Buffer.from(textOf(message))));
  client.once('open', () => {
    client.send(said);
  });
  client.once('error', () => undefined);
  client.once('close', (code, reason) => {
    resolve(`${code} ${reason.toString()}`);
  });
  const end = await promise;
  const body = joined(messages);
  return { bytes: Buffer.concat([body, Buffer.from(end)]), body };
}

function joined(messages: readonly (string | Buffer)[]): Buffer {
  return Buffer.from(messages.join('\n'));
}

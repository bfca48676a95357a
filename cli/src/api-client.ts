import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { LocationOptions } from './location-options.ts';
import { locateApi, type ApiLocation } from './location.ts';

const brokenOff = 'the gateway broke off its answer: its log says why';

/** The gateway's API as the commands use it. */
export class ApiClient {
  readonly url: string;
  readonly #token: string;
  readonly #socket: string | null;

  constructor({ url, socket, token }: ApiLocation) {
    this.url = url;
    this.#socket = socket;
    this.#token = token;
  }

  /** A client of the gateway that the options name, with the credential that belongs to its place. Throws an Error that says what to do when no gateway runs. */
  static async open(options: LocationOptions): Promise<ApiClient> {
    return new ApiClient(await locateApi(options));
  }

  async json<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    const response = await this.#ask(method, path, body);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway is of the same version as this command, or says so by an error
    return (await response.json()) as Answer;
  }

  /** Sends bytes. */
  async send(path: string, bytes: Uint8Array): Promise<void> {
    await (await this.#ask('POST', path, bytes)).text();
  }

  async text(path: string): Promise<string> {
    return (await this.#ask('GET', path)).text();
  }

  /** The bytes of the answer as they come. An answer that breaks off is no whole one. */
  async *chunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const response = await this.#ask('GET', path, undefined, signal);
    try {
      if (response.body !== null) {
        yield* response.body;
      }
    } catch (cause) {
      throw new Error(brokenOff, { cause });
    }
  }

  /** The rows of an NDJSON answer as they come. */
  async *rows<Row>(path: string, signal?: AbortSignal): AsyncGenerator<Row> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of this.chunks(path, signal)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const row: unknown = JSON.parse(line);
        if (typeof row === 'object' && row !== null && 'problem' in row) {
          // The rows before this one are not all.
          throw new Error(detailOf(row.problem) ?? 'the gateway could not read all of it: its log says why');
        }
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as in `json`
        yield row as Row;
      }
    }
    if (rest !== '') {
      throw new Error(brokenOff);
    }
  }

  async #ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Response> {
    let response: Response;
    try {
      const send = this.#socket === null ? fetch : throughSocket(this.#socket);
      response = await send(this.url + path, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': contentTypeOf(body) }) },
        ...(body === undefined ? {} : { body: body instanceof Uint8Array ? Buffer.from(body) : JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      throw new Error(`the gateway at ${this.url} does not answer: is it running, and is this its address?`, { cause });
    }
    if (!response.ok) {
      const problem = await response.json().catch(() => null);
      throw new Error(detailOf(problem) ?? `the gateway answered ${response.status}`);
    }
    return response;
  }
}

/** Makes a function that works as `fetch` over a Unix socket, as far as it is needed here. */
function throughSocket(socketPath: string): (url: string, options: RequestInit & { readonly headers: Record<string, string> }) => Promise<Response> {
  return async (url, { method = 'GET', headers, body, signal }) => {
    const asking = request(url, { socketPath, method, headers, ...(signal instanceof AbortSignal ? { signal } : {}) });
    asking.end(body ?? undefined);
    const [answer]: IncomingMessage[] = await once(asking, 'response');
    if (answer === undefined) {
      throw new Error('no answer');
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the stream of a response, typed twice
    const stream = Readable.toWeb(answer) as ReadableStream<Uint8Array>;
    const status = answer.statusCode ?? 0;
    return new Response(status === 204 ? null : stream, { status });
  };
}

function contentTypeOf(body: unknown): string {
  return body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
}

function detailOf(problem: unknown): string | null {
  return typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : null;
}

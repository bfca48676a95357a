import { once } from 'node:events';
import type { IncomingMessage, RequestOptions } from 'node:http';
import type { LocationOptions } from './location-options.ts';
import { locateApi, type ApiLocation, type Credential } from './location.ts';

/**
 * A gateway on another machine must begin its answer within this time. On this machine there is no limit, because some answers take long, for instance making
 * an index again.
 */
const answerMs = 300_000;
const brokenOff = 'the gateway broke off its answer: its log says why';

/** A client of the gateway's API, for the commands. */
export class ApiClient {
  readonly url: string;
  readonly #token: string;
  readonly #socket: string | null;

  constructor({ url, socket, token }: ApiLocation) {
    this.url = url;
    this.#socket = socket;
    this.#token = token;
  }

  /** Opens a client of the gateway that the options name, with the credential for it. Rejects with an Error that says what to do if no gateway runs. */
  static async open(options: LocationOptions, credential: Credential = 'caller'): Promise<ApiClient> {
    return new ApiClient(await locateApi(options, credential));
  }

  async json<Answer>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
    const answer = await wholeText(await this.#ask(method, path, body));
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the gateway is of the same version, or answers with an error that says so
    return JSON.parse(answer) as Answer;
  }

  /** Sends bytes as the body of a request. */
  async send(path: string, bytes: Uint8Array): Promise<void> {
    await wholeText(await this.#ask('POST', path, bytes));
  }

  async text(path: string): Promise<string> {
    return wholeText(await this.#ask('GET', path));
  }

  /** Yields the bytes of the answer as they arrive. Throws if the answer breaks off before its end. */
  async *chunks(path: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const answer = await this.#ask('GET', path, undefined, signal);
    try {
      yield* answer;
    } catch (cause) {
      throw new Error(brokenOff, { cause });
    }
  }

  /** Yields the rows of an NDJSON answer as they arrive. */
  async *rows<Row>(path: string, signal?: AbortSignal): AsyncGenerator<Row> {
    let rest = '';
    const decoder = new TextDecoder();
    for await (const chunk of this.chunks(path, signal)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const row: unknown = JSON.parse(line);
        if (typeof row === 'object' && row !== null && 'problem' in row) {
          // The rows before this one are whole, but there are more that could not be read.
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

  async #ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<IncomingMessage> {
    let answer: IncomingMessage;
    try {
      answer = await ask(new URL(this.url + path), body, {
        method,
        headers: { authorization: `Bearer ${this.#token}`, ...(body === undefined ? {} : { 'content-type': contentTypeOf(body) }) },
        // Where nothing is said, Node waits five seconds.
        ...(this.#socket === null ? { timeout: answerMs } : { socketPath: this.#socket, timeout: 0 }),
        ...(signal === undefined ? {} : { signal }),
      });
    } catch (cause) {
      throw new Error(`the gateway at ${this.url} does not answer: is it running, and is this its address?`, { cause });
    }
    const status = answer.statusCode ?? 0;
    if (status < 200 || status > 299) {
      const problem: unknown = await wholeText(answer)
        .then(JSON.parse)
        .catch(() => null);
      throw new Error(detailOf(problem) ?? `the gateway answered ${status}`);
    }
    return answer;
  }
}

/**
 * Resolves when the answer begins. The module node:http is not imported with `import`, because that also loads `fetch`, which takes as long as all the rest of
 * a short command.
 */
async function ask(url: URL, body: unknown, options: RequestOptions): Promise<IncomingMessage> {
  const { request } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
  const asking = request(url, options);
  // Later errors of the connection are reported to the reader of the answer, so they are ignored here.
  asking.on('error', () => undefined);
  const giveUp = (): void => {
    asking.destroy(new Error('no answer in time'));
  };
  asking.once('timeout', giveUp);
  asking.end(body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body));
  const [answer]: IncomingMessage[] = await once(asking, 'response');
  asking.off('timeout', giveUp);
  if (answer === undefined) {
    throw new Error('no answer');
  }
  return answer;
}

async function wholeText(answer: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  try {
    for await (const chunk of answer) {
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString();
  } catch (cause) {
    throw new Error(brokenOff, { cause });
  }
}

function contentTypeOf(body: unknown): string {
  return body instanceof Uint8Array ? 'application/octet-stream' : 'application/json';
}

function detailOf(problem: unknown): string | null {
  return typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : null;
}

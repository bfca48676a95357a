import type { Action, Attributes } from '../../../domain/action.ts';
import { GatewayError } from '../../../domain/errors.ts';
import { problemOf } from '../../../exchange/problem.ts';
import type { OpenedRecord } from '../../../domain/record.ts';
import { failureAnswer } from '../failures.ts';
import { readAnswer } from '../../../exchange/reading.ts';
import { readRequest } from '../reading.ts';
import { render } from '../render.ts';
import type { ToolList } from '../tool-definitions.ts';

/** One request that passed: the decision, the facts of both sides, and the text that a person reads. */
export interface Passed {
  readonly action: Action;
  /** Resolves when the answer has ended or was left. */
  readonly answered: Promise<{ readonly facts: Attributes; readonly tools: ToolList | null; readonly text: string }>;
  readonly text: string;
}

/**
 * Stands between a client and a server as the gateway does. Each request is read, decided on and forwarded unchanged, and each answer is read. `decide` throws
 * to refuse a request.
 */
export function passage(
  serve: (request: Request) => Promise<Response>,
  decide: (action: Action) => void = () => {},
): { fetch: typeof fetch; passed: Passed[] } {
  const passed: Passed[] = [];
  const pass: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const body = new Uint8Array(await request.arrayBuffer());
    const head = { method: request.method, path: new URL(request.url).pathname, headers: [...request.headers] };
    try {
      const { action, answer } = readRequest(head, body);
      decide(action);
      const response = await serve(new Request(request.url, { ...head, signal: request.signal, ...(body.length === 0 ? {} : { body }) }));
      const answeredHead = { status: response.status, headers: [...response.headers] };
      const [forClient, forUs] = response.body?.tee() ?? [null, null];
      const pieces: Uint8Array[] = [];
      const answered = (async () => {
        try {
          for await (const piece of forUs ?? []) {
            pieces.push(piece);
          }
        } catch {
          // The client has left.
        }
        readAnswer(
          answer,
          answeredHead,
          pieces.map((piece) => Buffer.from(piece)),
        );
        return { facts: answer.facts(), tools: answer.toolList, text: shown('response', response, Buffer.concat(pieces)) };
      })();
      passed.push({ action, answered, text: shown('request', request, body) });
      return new Response(forClient, { status: response.status, headers: response.headers });
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
      const { status, body: words } = failureAnswer({ problem: problemOf(error, 'c0ffee'), head, body, answerTo: null });
      return new Response(words, { status, headers: { 'content-type': 'application/json' } });
    }
  };
  return { fetch: pass, passed };
}

/** Shows a message as its record would be shown. */
function shown(kind: string, message: Request | Response, body: Uint8Array): string {
  const line = message instanceof Request ? `${message.method} ${new URL(message.url).pathname} HTTP/1.1` : `HTTP/1.1 ${message.status} OK`;
  const head = [line, ...[...message.headers].map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n');
  const content = Buffer.concat([Buffer.from(head), body]);
  const record: OpenedRecord = {
    session: '',
    seq: 0,
    timeMs: 0,
    kind,
    record: '',
    meta: null,
    channelFacts: null,
    governance: null,
    content,
    continues: false,
    withheld: null,
  };
  return render(record, () => null).text;
}

import type { Operations, Schemas } from './schema.ts';

export type Operation = keyof Operations;

/** The input of an operation. Members of the query that are `undefined` are left out; those that count with any value may be empty. */
export interface Input<Name extends Operation> {
  readonly path?: Operations[Name]['path'];
  readonly query?: { readonly [Each in keyof Operations[Name]['query']]?: Operations[Name]['query'][Each] | undefined };
  readonly body?: Operations[Name]['body'];
  readonly signal?: AbortSignal;
}

interface SaidProblem {
  readonly code: Schemas['Problem']['code'] | 'unreachable';
  readonly detail: string;
  readonly status: number;
}

/** An answer that is no success, in the words of the gateway (RFC 9457), or a gateway that does not answer. */
export class ApiProblem extends Error {
  /** The code of the gateway, as `not_found`; `unreachable` if it does not answer. */
  readonly code: SaidProblem['code'];
  /** The status of HTTP; 0 if there is no answer. */
  readonly status: number;

  constructor({ code, detail, status }: SaidProblem) {
    super(detail);
    this.name = 'ApiProblem';
    this.code = code;
    this.status = status;
  }
}

/** The time in ms until a gateway that does not answer is asked again. */
export const lostMs = 3_000;

/** The status of HTTP of a gateway that cannot answer yet, because it has too much to do or does not serve. */
const busyStatus = 503;

/** True: the gateway did not answer, or not yet, so it may when it is asked again. */
export function isLost(error: unknown): boolean {
  return error instanceof ApiProblem && (error.status === 0 || error.status === busyStatus);
}

/** Asks the gateway. Rejects with ApiProblem. Who is not signed in, or must sign in again for this, is sent to the page for it. */
export async function ask<Name extends Operation>(name: Name, input: Input<Name> = {}): Promise<Operations[Name]['answer']> {
  // The types are made from the document that the tests hold the gateway to.
  const answer: Operations[Name]['answer'] = await (await send(name, input)).json();
  return answer;
}

/** Asks the gateway for a file, or bytes. Rejects as `ask` does. */
export async function askFile<Name extends Operation>(name: Name, input: Input<Name> = {}): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await send(name, input)).arrayBuffer());
}

/** So long at a time lines are read, in ms, before the page may be drawn. */
const readMs = 4;

/** Yields the lines of an answer, as many at a time as arrive together. Rejects as `ask` does, also when the answer ends with a problem. */
export async function* lines<Name extends Operation>(name: Name, input: Input<Name> = {}): AsyncGenerator<readonly Operations[Name]['line'][]> {
  const { body } = await send(name, input);
  let rest = '';
  let begun = performance.now();
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? []) {
    const whole = `${rest}${text}`.split('\n');
    rest = whole.pop() ?? '';
    const read = whole.map((line): Operations[Name]['line'] & { readonly problem?: Schemas['Problem'] } => JSON.parse(line));
    const problem = read.at(-1)?.problem;
    yield problem === undefined ? read : read.slice(0, -1);
    if (problem !== undefined) {
      throw new ApiProblem(problem);
    }
    if (performance.now() - begun > readMs) {
      await new Promise((resolve) => {
        setTimeout(resolve);
      });
      begun = performance.now();
    }
  }
  if (rest !== '') {
    throw new ApiProblem({ code: 'unreachable', detail: 'The connection ended in the middle of the answer.', status: 0 });
  }
}

async function send<Name extends Operation>(name: Name, { path, query, body, signal }: Input<Name>): Promise<Response> {
  const [method = '', form = ''] = name.split(' ');
  const answer = await fetch(`${form.replaceAll(/\{(\w+)\}/g, (_whole, key: string) => encodeURIComponent(valueIn(path, key)))}${queryOf(query ?? {})}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    signal: signal ?? null,
  }).catch((error: unknown) => {
    throw signal?.aborted === true ? error : new ApiProblem({ code: 'unreachable', detail: 'The gateway does not answer.', status: 0 });
  });
  if (!answer.ok) {
    const problem = new ApiProblem(await problemIn(answer));
    // A worker cannot leave the page; whoever started it does.
    if (answer.status === 401 && 'window' in globalThis) {
      signIn(problem.code === 'sign_in_again');
    }
    throw problem;
  }
  return answer;
}

/** Leaves for the page on which people sign in. It comes back to the present one. */
function signIn(isFresh: boolean): void {
  const { pathname, search, hash } = window.location;
  window.location.assign(`/sign-in?${new URLSearchParams({ return: `${pathname}${search}${hash}`, ...(isFresh ? { fresh: '' } : {}) }).toString()}`);
}

async function problemIn(answer: Response): Promise<SaidProblem> {
  const { status } = answer;
  try {
    // A gateway that is not ready says its reasons.
    const said: Schemas['Problem'] | { readonly reasons: readonly string[] } = await answer.json();
    return 'reasons' in said ? { code: 'unreachable', detail: said.reasons.join(' '), status } : { code: said.code, detail: said.detail, status };
  } catch {
    return { code: 'unreachable', detail: `The answer was ${status}, and not one of the gateway.`, status };
  }
}

function valueIn(path: object | undefined, key: string): string {
  return String(Object.entries(path ?? {}).find(([name]) => name === key)?.[1] ?? '');
}

function queryOf(query: object): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

import type { z } from 'zod';
import type { ApiContext, Caller, Callers } from './context.ts';
import { parseBody } from './body.ts';

/** One request for an endpoint, from a caller that is known. */
export interface Call {
  readonly api: ApiContext;
  readonly caller: Caller;
  readonly request: Request;
  readonly query: URLSearchParams;
  /** Ends an answer that has begun, so that nobody takes it for a whole one. */
  readonly breakOff: (error: Error) => void;
  /** A part of the path by its name, decoded. */
  readonly param: (name: string) => string;
}

type Answer = Response | Promise<Response>;

/** One operation of the API. Each has a file of its own; `routes.ts` lists them. */
export interface Endpoint {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly callers: Callers;
  /** What the body must be; null: none is read. */
  readonly body: z.ZodType | null;
  readonly answer: (call: Call) => Answer;
}

export function get(path: string, answer: (call: Call) => Answer): Endpoint {
  return { method: 'GET', path, callers: 'administrators', body: null, answer };
}

export function del(path: string, answer: (call: Call) => Answer): Endpoint {
  return { method: 'DELETE', path, callers: 'administrators', body: null, answer };
}

export function post<Schema extends z.ZodType>(path: string, body: Schema, answer: (call: Call, body: z.output<Schema>) => Answer): Endpoint {
  return { method: 'POST', path, callers: 'administrators', body, answer: async (call) => answer(call, await parseBody(call.request, body)) };
}

/** A POST whose body is bytes, read by the endpoint itself. */
export function upload(path: string, answer: (call: Call) => Answer): Endpoint {
  return { method: 'POST', path, callers: 'administrators', body: null, answer };
}

/** The same, and a run may ask too, with its token: what it may then do is decided by the operation. */
export function alsoForRuns(endpoint: Endpoint): Endpoint {
  return { ...endpoint, callers: 'runs' };
}

/** The same, and an auditor may ask too: nothing of it is about anybody. */
export function alsoForAuditors(endpoint: Endpoint): Endpoint {
  return { ...endpoint, callers: 'auditors' };
}

/** Whoever has a token may ask. */
export function alsoForEverybody(endpoint: Endpoint): Endpoint {
  return { ...endpoint, callers: 'everybody' };
}

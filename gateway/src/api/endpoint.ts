import { z } from 'zod';
import type { ErrorCode } from '../domain/errors.ts';
import type { Answer, PlainAnswer } from './answer.ts';
import type { RequestBody } from './body.ts';
import type { Caller, Callers } from './caller.ts';
import { parseInput, parsePath } from './input.ts';
import type { ApiParts } from './parts.ts';
import type { Asker } from './stream.ts';

type Shape = Readonly<Record<string, z.ZodType>>;

/** A request as an endpoint gets it: the caller is allowed to ask, and everything that was sent is valid. */
interface Call<Params extends Shape, Query extends Shape, Body> {
  readonly caller: Caller;
  readonly params: z.output<z.ZodObject<Params>>;
  readonly query: z.output<z.ZodObject<Query>>;
  readonly body: Body;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** The request as it came. Its body has been read if the endpoint has one. */
  readonly request: Request;
}

/** The public description of an endpoint. The router and docs/openapi.json are made from it. */
interface Description {
  /** The unique id of the endpoint. Its file and its export have the same name. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** The path, with a name for each part that differs: `/api/v1/targets/:target/connection`. The last part may contain slashes: `/log/:path{.+}`. */
  readonly path: string;
  /** One sentence that says what the endpoint does. */
  readonly summary: string;
  /** Further facts about the endpoint. */
  readonly description?: string;
  /** The codes of the errors that the endpoint answers with. A definition lists only those that do not follow from its schemas and its callers. */
  readonly errors: readonly ErrorCode[];
}

interface Definition<Parts, Params extends Shape, Query extends Shape, Body, Result> extends Omit<Description, 'errors'> {
  readonly errors?: readonly ErrorCode[];
  /** By default only administrators. */
  readonly callers?: Callers;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: RequestBody<Body>;
  readonly answer: Answer<Result>;
  readonly act: (parts: Parts, call: Call<Params, Query, Body>) => Result | Promise<Result>;
}

/** A request whose caller is known and of which nothing else was read. */
interface Asked extends Asker {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

/** One operation of the API. Each has a file of its own; `routes.ts` lists them. */
export interface Endpoint<Parts = ApiParts> extends Description {
  readonly callers: Callers;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: RequestBody<unknown> | null;
  readonly answer: Answer<never>;
  /** Answers a request. Rejects with a GatewayError of one of the codes in `errors`; also `malformed` or `limit_exceeded` if what was sent is not valid. */
  readonly handle: (parts: Parts, asked: Asked) => Promise<Response>;
}

/** An endpoint that asks for no credential. */
export interface PublicEndpoint<Parts = ApiParts> extends Description {
  readonly answer: Answer<never>;
  readonly handle: (parts: Parts) => Response;
}

/** The errors of finding the caller. `cannot_record` is one of them, because a refusal is not answered before it is recorded. */
const callerErrors = ['unauthenticated', 'sign_in_again', 'issuer_unreachable', 'store_unreachable', 'throttled', 'refused', 'cannot_record'] as const;

type Nothing = Readonly<Record<string, never>>;

export function endpoint<Parts, Result, Params extends Shape = Nothing, Query extends Shape = Nothing, Body = null>(
  definition: Definition<Parts, Params, Query, Body, Result>,
): Endpoint<Parts> {
  const { callers = 'administer', errors = [], answer, act, ...description } = definition;
  const params = z.object(definition.params ?? {});
  const query = z.object(definition.query ?? {});
  const body = definition.body ?? null;
  const hasInput = definition.params !== undefined || definition.query !== undefined || body !== null;
  return {
    ...description,
    errors: [...callerErrors, ...(hasInput ? (['malformed'] as const) : []), ...(body === null ? [] : (['limit_exceeded'] as const)), ...errors],
    callers,
    params,
    query,
    body,
    answer,
    handle: async (parts, asked) => {
      const call = {
        caller: asked.caller,
        params: parsePath(params, asked.params),
        query: parseInput(query, firstOfEach(asked.query)),
        body: body === null ? null : await body.read(asked.request),
        signal: asked.request.signal,
        request: asked.request,
      };
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each is the output of its schema; where there is none its type parameter is that of nothing
      return answer.respond(await act(parts, call as Call<Params, Query, Body>), asked);
    },
  };
}

interface PublicDefinition<Parts, Result> extends Omit<Description, 'errors'> {
  readonly answer: PlainAnswer<Result>;
  readonly act: (parts: Parts) => Result;
}

export function publicEndpoint<Parts, Result>({ answer, act, ...description }: PublicDefinition<Parts, Result>): PublicEndpoint<Parts> {
  return { ...description, errors: ['refused', 'throttled'], answer, handle: (parts) => answer.respond(act(parts)) };
}

function firstOfEach(query: URLSearchParams): Readonly<Record<string, string | null>> {
  return Object.fromEntries(Array.from(query.keys(), (name) => [name, query.get(name)]));
}

import { z } from 'zod';
import { ndjsonMediaType } from './answer.ts';
import type { Callers } from './caller.ts';
import type { Endpoint, PublicEndpoint } from './endpoint.ts';
import { problemSchema } from './problem.ts';
import { publicRoutes, routes } from './routes.ts';
import { challenges } from '../exchange/token-header.ts';
import { GatewayError, type ErrorCode } from '../domain/errors.ts';
import { problemMediaType, problemOf, retryHeaders } from '../exchange/problem.ts';

type Json = Readonly<Record<string, unknown>>;

const whoMayAsk: Readonly<Record<Callers, string>> = {
  administer: 'For administrators.',
  list: 'For roles that list sessions.',
  search: 'For roles that search.',
  facts: 'For roles that read records.',
  content: 'For roles that read the content of records.',
  watch: 'For roles that watch sessions.',
  export: 'For roles that export.',
  halt: 'For roles that halt sessions.',
  approve: 'For roles that see all approvals.',
  hold: 'For roles that set and release holds.',
  erase: 'For roles that erase.',
  runs: 'For administrators, and for a run with its token.',
  auditors: 'For administrators and auditors.',
  keepers: 'For roles that set holds or erase, for administrators and auditors.',
  everybody: 'For whoever has a token.',
};

/** The schemas that have a name of their own, by name. */
type Named = Map<string, unknown>;

/** Returns the JSON Schema of the input of a schema or of its output. Named schemas in it become references. */
function schemaOf(schema: z.ZodType, named: Named, io: 'input' | 'output' = 'input'): Json {
  const whole = z.toJSONSchema(z.object({ schema }), {
    io,
    override: ({ zodSchema, jsonSchema }) => {
      // `readOnly` is removed. It comes from types only: the receiver of an answer may change it.
      if (zodSchema._zod.def.type === 'readonly') {
        delete jsonSchema.readOnly;
      }
      delete jsonSchema.id;
    },
  });
  const text = JSON.stringify({ schema: whole.properties?.['schema'], named: whole.$defs ?? {} });
  const read: { readonly schema: Json; readonly named: Json } = JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, definition] of Object.entries(read.named)) {
    named.set(name, definition);
  }
  return read.schema;
}

function parametersOf(shape: z.ZodObject, place: 'path' | 'query', named: Named): Json[] {
  return Object.entries(shape.shape).map(([name, schema]) => {
    const { description, ...rest } = schemaOf(schema, named, 'output');
    const isRequired = !schema.safeParse(undefined).success;
    return { name, in: place, required: isRequired, ...(description === undefined ? {} : { description }), schema: rest };
  });
}

/** Returns the content of a body. Text and bytes have no schema, only a media type. */
function contentOf(mediaType: string, schema: z.ZodType | null, named: Named): Json {
  if (schema === null) {
    return { [mediaType]: mediaType.startsWith('text/') ? { schema: { type: 'string' } } : {} };
  }
  return {
    [mediaType]: mediaType === ndjsonMediaType ? { schema: { type: 'string' }, 'x-line': schemaOf(schema, named) } : { schema: schemaOf(schema, named) },
  };
}

const statusWords: Readonly<Record<number, string>> = { 200: 'Done.', 201: 'Made.', 503: 'Not now.' };

function answersOf({ method, answer }: Endpoint | PublicEndpoint, named: Named): Json {
  const isTagged =
    method === 'GET' &&
    Object.values(answer.contents)
      .flat()
      .some(({ mediaType }) => mediaType === 'application/json');
  const whole = Object.entries(answer.contents).map(([status, contents]) => {
    const isLines = contents.some(({ mediaType }) => mediaType === ndjsonMediaType);
    const words = isLines
      ? 'Lines of JSON: `x-line` is the schema of each. Where what was recorded is damaged, a last line is `{"problem": Problem}`.'
      : (statusWords[Number(status)] ?? 'Done.');
    return [
      status,
      { description: words, content: Object.assign({}, ...contents.map(({ mediaType, schema }) => contentOf(mediaType, schema, named))) },
    ] as const;
  });
  const unchanged = { description: 'The `etag` of the answer is one of those in `if-none-match`.', headers: { etag: { schema: { type: 'string' } } } };
  return Object.fromEntries([...whole, ...(isTagged ? [['304', unchanged] as const] : [])]);
}

/** The answers for errors. Errors of one status share an answer, because they differ only in their codes. */
const problems = {
  Problem: { words: 'Any other error.', headers: [] },
  Unauthenticated: { words: 'Another token is needed.', headers: challenges },
  TryAgain: { words: 'The same request may be answered later.', headers: retryHeaders(503) },
};

function problemOfStatus(status: number): Json {
  const name = status === 401 ? 'Unauthenticated' : retryHeaders(status).length > 0 ? 'TryAgain' : 'Problem';
  return { $ref: `#/components/responses/${name}` };
}

function problemsOf(named: Named): Json {
  const content = contentOf(problemMediaType, problemSchema, named);
  return Object.fromEntries(
    Object.entries(problems).map(([name, { words, headers }]) => [
      name,
      { description: words, headers: Object.fromEntries(headers.map(([header]) => [header, { schema: { type: 'string' } }])), content },
    ]),
  );
}

function errorsOf(codes: readonly ErrorCode[]): Json {
  const byStatus = Map.groupBy(new Set(codes), (code) => problemOf(new GatewayError(code, '')).status);
  return Object.fromEntries(
    [...byStatus].map(([status, those]) => [status, { ...problemOfStatus(status), description: those.map((code) => `\`${code}\``).join(', ') }]),
  );
}

function operationOf(endpoint: Endpoint | PublicEndpoint, named: Named): Json {
  const { id, summary, description, errors } = endpoint;
  const who = 'callers' in endpoint ? whoMayAsk[endpoint.callers] : 'For everybody, without a token.';
  const body = 'body' in endpoint ? endpoint.body : null;
  return {
    operationId: id,
    summary,
    description: [description, who].filter((words) => words !== undefined).join(' '),
    ...('callers' in endpoint
      ? { parameters: [...parametersOf(endpoint.params, 'path', named), ...parametersOf(endpoint.query, 'query', named)] }
      : { security: [] }),
    ...(body === null
      ? {}
      : { requestBody: { description: `At most ${body.bytesMax} bytes.`, required: true, content: contentOf(body.mediaType, body.schema, named) } }),
    responses: { ...errorsOf(errors), ...answersOf(endpoint, named), default: problemOfStatus(500) },
  };
}

/** Returns the OpenAPI 3.1 document: https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(version: string): Json {
  const named: Named = new Map();
  const paths: Record<string, Record<string, Json>> = {};
  for (const endpoint of [...publicRoutes, ...routes]) {
    const path = endpoint.path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint, named) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Countersign',
      version,
      description:
        'The API of the gateway, on its HTTP listener. It takes credentials over a network only under TLS, and answers no web page of another origin. Errors have the codes of docs/errors.md.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:7070' }],
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: "A token of the gateway, or the operator's credential; also as the password of Basic." },
      },
      responses: problemsOf(named),
      schemas: Object.fromEntries([...named].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

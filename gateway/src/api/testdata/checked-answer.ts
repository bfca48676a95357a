import { strict as assert } from 'node:assert';
import { z } from 'zod';
import { problemMediaType } from '../../exchange/problem.ts';
import { problemSchema } from '../problem.ts';
import { publicRoutes, routes } from '../routes.ts';

const endpoints = [...publicRoutes, ...routes].map((endpoint) => ({ ...endpoint, pattern: patternOf(endpoint.path) }));
const lastLine = z.object({ problem: problemSchema });

/** Makes a regular expression of a path such as `/log/:path{.+}`. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+(?:\{([^}]*)\})?/g, (_, part = '[^/]+') => String(part))}$`);
}

/** Throws unless the value is exactly what the schema describes, with no other members. */
function check(schema: z.ZodType, value: unknown): void {
  assert.deepEqual(schema.parse(value), value);
}

/**
 * Checks an answer of the API against the promises of its endpoint: status and media type at once, each line when it is read, any other body before this
 * resolves. An address that is not of the API is not checked.
 */
export async function checkedAnswer(method: string, path: string, response: Response): Promise<Response> {
  const [place = ''] = path.split('?');
  const endpoint = endpoints.find((each) => each.method === method && each.pattern.test(place));
  if (endpoint === undefined) {
    return response;
  }
  const { status, headers } = response;
  const mediaType = headers.get('content-type') ?? '';
  if (mediaType === problemMediaType) {
    const body = await response.json();
    check(problemSchema, body);
    const { code } = problemSchema.parse(body);
    // Any request may be answered with an internal error, or with a fault that is not in the list.
    const known: readonly string[] = ['internal', ...endpoint.errors];
    assert.ok(known.includes(code), `${endpoint.id} says nothing of ${code}`);
    return Response.json(body, { status, headers });
  }
  const contents = endpoint.answer.contents[status];
  if (contents?.length === 0) {
    assert.equal(await response.clone().text(), '', `${endpoint.id} says nothing of a body of ${status}`);
    return response;
  }
  const content = contents?.find((each) => each.mediaType === mediaType);
  assert.ok(content !== undefined, `${endpoint.id} says nothing of ${status} ${mediaType}`);
  const { schema } = content;
  if (schema === null) {
    return response;
  }
  if (mediaType === 'application/json') {
    const body = await response.json();
    check(schema, body);
    return Response.json(body, { status, headers });
  }
  return new Response(response.body?.pipeThrough(checkingLines(schema)), { status, headers });
}

function checkingLines(schema: z.ZodType): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  /** The pieces of a line that has not ended. A long line has hundreds, so they are joined only once. */
  let rest: string[] = [];
  return new TransformStream({
    transform: (piece, controller) => {
      const [end = '', ...more] = decoder.decode(piece, { stream: true }).split('\n');
      rest.push(end);
      const lines = more.length === 0 ? [] : [rest.join(''), ...more.slice(0, -1)];
      rest = more.length === 0 ? rest : [more.at(-1) ?? ''];
      for (const line of lines) {
        const row = JSON.parse(line);
        check('problem' in row ? lastLine : schema, row);
      }
      controller.enqueue(piece);
    },
    flush: () => {
      assert.equal(rest.join(''), '', 'the last line ends');
    },
  });
}

import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest, NodeResponse } from '../exchange/exchange.ts';
import { findCaller } from './caller.ts';
import { asksForPage, nothingHere } from './console.ts';
import { checkOrigin, credentialOf } from './credential.ts';
import type { ApiParts } from './parts.ts';
import { problem } from './problem.ts';
import { RequestRate } from './request-rate.ts';
import { openRoutes, publicRoutes, routes } from './routes.ts';
import { tagged } from './tag.ts';

/** Most characters of a query that are in the record of a refusal. */
const queryLengthMax = 8192;

const inertHeaders = [
  ['x-content-type-options', 'nosniff'],
  ['content-security-policy', "default-src 'none'; frame-ancestors 'none'; sandbox"],
  ['cache-control', 'no-store'],
] as const;

type Entrance = 'network' | 'operator socket';

type Api = Hono<{ Bindings: HttpBindings | Http2Bindings }>;

/** Answers the requests for the API. `where` says how they came: over the network, or over the operator's own socket, which needs no encryption. */
export function apiListener(
  parts: ApiParts,
  onError: (error: unknown) => void,
  where: Entrance = 'network',
): (request: NodeRequest, response: NodeResponse) => void {
  const answer = getRequestListener(createApi(parts, onError, where).fetch);
  return (request, response) => {
    void answer(request, response);
  };
}

function createApi(parts: ApiParts, onError: (error: unknown) => void, where: Entrance): Api {
  const app: Api = new Hono();
  const rate = new RequestRate();
  app.onError((error) => {
    if (!(error instanceof GatewayError)) {
      onError(error);
    }
    return problem(error);
  });
  // A browser shows nothing of an answer as a page, and keeps none: content of a recording may be written as HTML (ATTACKS C30).
  app.use(async (context, next) => {
    await next();
    context.res = await tagged(context.req.raw, context.res);
    for (const [name, value] of inertHeaders) {
      if (!context.res.headers.has(name)) {
        context.res.headers.set(name, value);
      }
    }
  });
  app.notFound(({ env: { incoming } }) => (parts.console !== null && asksForPage(incoming) ? parts.console.page(incoming) : problem(nothingHere())));
  for (const { method, path, handle } of publicRoutes) {
    app.on(method, path, ({ env }) => {
      checkOrigin(env.incoming);
      return handle(parts);
    });
  }
  for (const { method, path, handle } of openRoutes) {
    app.on(method, path, async ({ env, req }) =>
      handle(parts, { request: req.raw, params: req.param(), address: addressOf(env.incoming), incoming: env.incoming }),
    );
  }
  for (const { method, path, callers, handle } of routes) {
    app.on(method, path, async ({ env, req }) => {
      const address = where === 'operator socket' ? where : addressOf(env.incoming);
      const { pathname, search, searchParams } = new URL(req.url);
      const asked = { 'url.path': pathname, ...(search === '' ? {} : { 'url.query': search.slice(1, 1 + queryLengthMax) }) };
      const caller = await findCaller(parts, { ...(await credentialOf(parts, env.incoming)), address, asked }, callers);
      if (caller.standing !== null && caller.run === undefined) {
        rate.count(caller.id, Date.now());
      }
      const breakOff = (error: Error): void => {
        if (!(error instanceof GatewayError)) {
          onError(error);
        }
        env.outgoing.destroy(error);
      };
      return handle(parts, { caller, breakOff, params: req.param(), query: searchParams, request: req.raw });
    });
  }
  for (const [path, known] of Map.groupBy([...publicRoutes, ...openRoutes, ...routes], (route) => route.path)) {
    const allow = [...new Set(known.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))].join(', ');
    app.all(path, () => wrongMethod(allow));
  }
  return app;
}

/** Makes the answer to a method that an address does not take (RFC 9110, 15.5.6). */
function wrongMethod(allow: string): Response {
  const answer = problem(new GatewayError('unsupported', `This address takes ${allow}.`), 405);
  answer.headers.set('allow', allow);
  return answer;
}

/** Returns the client's address. Throws GatewayError `refused` if the client is on another machine and the connection is not encrypted. */
function addressOf({ socket }: NodeRequest): string {
  const address = plainAddress(socket.remoteAddress);
  if (!isLoopback(address) && !('encrypted' in socket)) {
    throw new GatewayError('refused', 'The API takes credentials over the network only under TLS: configure tls, and use https://.');
  }
  return address;
}

import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest, ClientResponse } from '../domain/exchange.ts';
import type { ApiContext, Caller, Callers } from './context.ts';
import { problem } from './problem.ts';
import { routes } from './routes.ts';

type Api = Hono<{ Bindings: HttpBindings | Http2Bindings }>;

/** Answers the requests that are for the API. */
export function apiListener(api: ApiContext, onError: (error: unknown) => void): (request: ClientRequest, response: ClientResponse) => void {
  const answer = getRequestListener(createApi(api, onError).fetch);
  return (request, response) => {
    void answer(request, response);
  };
}

/** The API over HTTP. Everything but /api/health needs the operator's credential or an administrator's token; what a run may ask, its token. */
function createApi(api: ApiContext, onError: (error: unknown) => void): Api {
  const app: Api = new Hono();
  app.onError((error) => {
    if (!(error instanceof GatewayError)) {
      onError(error);
    }
    return problem(error);
  });
  app.notFound(() => problem(new GatewayError('not_found', 'There is nothing at this address.')));
  app.get('/api/health', ({ env }) => {
    checkOrigin(env.incoming);
    return Response.json({ status: 'ok' });
  });
  for (const { method, path, callers, answer } of routes) {
    app.on(method, path, async (context) => {
      checkOrigin(context.env.incoming);
      const caller = await authenticate(api, context.env.incoming, callers);
      const query = new URL(context.req.url).searchParams;
      return answer({ api, caller, query, request: context.req.raw, param: (name) => context.req.param(name) ?? '' });
    });
  }
  return app;
}

/** Errors: `unauthenticated`, `refused`. */
async function authenticate(api: ApiContext, { socket, headers }: ClientRequest, callers: Callers): Promise<Caller> {
  const address = plainAddress(socket.remoteAddress);
  if (!isLoopback(address) && !('encrypted' in socket)) {
    throw new GatewayError('refused', 'The API takes credentials over the network only under TLS: configure tls, and use https://.');
  }
  return api.authenticate(headers.authorization, address, callers);
}

/** No credential of the API is for web pages. */
function checkOrigin({ headers }: ClientRequest): void {
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}

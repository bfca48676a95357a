import { getRequestListener, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { isLoopback, plainAddress } from '../domain/address.ts';
import { GatewayError } from '../domain/errors.ts';
import type { ClientRequest, ClientResponse } from '../domain/exchange.ts';
import type { ApiContext } from './context.ts';
import { problem } from './problem.ts';
import { routes } from './routes.ts';

type ApiPlace = 'network' | 'operator socket';

type Api = Hono<{ Bindings: HttpBindings | Http2Bindings }>;

/** Answers the requests that are for the API. */
/** `where`: over the network, or at the operator's own socket, which needs no encryption. */
export function apiListener(
  api: ApiContext,
  onError: (error: unknown) => void,
  where: ApiPlace = 'network',
): (request: ClientRequest, response: ClientResponse) => void {
  const answer = getRequestListener(createApi(api, onError, where).fetch);
  return (request, response) => {
    void answer(request, response);
  };
}

/** The API over HTTP. Everything but /healthz, /readyz and /api/health needs the operator's credential or an administrator's token; what a run or an auditor may ask, theirs. */
function createApi(api: ApiContext, onError: (error: unknown) => void, where: ApiPlace): Api {
  const app: Api = new Hono();
  app.onError((error) => {
    if (!(error instanceof GatewayError)) {
      onError(error);
    }
    return problem(error);
  });
  app.notFound(() => problem(new GatewayError('not_found', 'There is nothing at this address.')));
  for (const path of ['/healthz', '/api/health']) {
    app.get(path, ({ env }) => {
      checkOrigin(env.incoming);
      return Response.json({ status: 'ok' });
    });
  }
  app.get('/readyz', ({ env }) => {
    checkOrigin(env.incoming);
    const reasons = api.unreadiness();
    const behind = api.indexBehind();
    return reasons.length === 0
      ? Response.json({ status: 'ready', ...(behind === null ? {} : { index: behind }) })
      : Response.json({ status: 'not ready', reasons }, { status: 503 });
  });
  for (const { method, path, callers, answer } of routes) {
    app.on(method, path, async (context) => {
      checkOrigin(context.env.incoming);
      const address = where === 'operator socket' ? where : addressOf(context.env.incoming);
      const caller = await api.authenticate(context.env.incoming.headers.authorization, address, callers);
      const query = new URL(context.req.url).searchParams;
      const breakOff = (error: Error): void => {
        if (!(error instanceof GatewayError)) {
          onError(error);
        }
        context.env.outgoing.destroy(error);
      };
      return answer({ api, caller, query, request: context.req.raw, breakOff, param: (name) => context.req.param(name) ?? '' });
    });
  }
  return app;
}

/** Errors: `refused`. */
function addressOf({ socket }: ClientRequest): string {
  const address = plainAddress(socket.remoteAddress);
  if (!isLoopback(address) && !('encrypted' in socket)) {
    throw new GatewayError('refused', 'The API takes credentials over the network only under TLS: configure tls, and use https://.');
  }
  return address;
}

/** No credential of the API is for web pages. */
function checkOrigin({ headers }: ClientRequest): void {
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}

import type { IncomingMessage } from 'node:http';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { GatewayError } from '../domain/errors.ts';
import { addAdministrationRoutes } from './administration.ts';
import type { ApiContext, Caller } from './context.ts';
import { addEvidenceRoutes } from './evidence.ts';
import { problem } from './problem.ts';
import type { ApiEnvironment } from './request.ts';
import { addSessionRoutes } from './sessions.ts';

/** Principals of this group may use the API with their own token. */
const administrators = 'admins';

/** The API. Everything but /api/health needs the operator's credential or an administrator's token. */
export function createApi(api: ApiContext, onError: (error: unknown) => void): Hono<ApiEnvironment & { Bindings: HttpBindings }> {
  const app = new Hono<ApiEnvironment & { Bindings: HttpBindings }>();
  app.onError((error, c) => {
    if (!(error instanceof GatewayError)) {
      onError(error);
    }
    return problem(c, error);
  });
  app.notFound((c) => problem(c, new GatewayError('not_found', 'There is nothing at this address.')));
  app.use(async (c, next) => {
    checkHost(c.env.incoming);
    if (c.req.path !== '/api/health') {
      c.set('caller', await authenticate(api, c.env.incoming));
    }
    await next();
  });
  app.get('/api/health', (c) => c.json({ status: 'ok' }));
  const routes = app as unknown as Hono<ApiEnvironment>; // The routes need less of the environment than the application has.
  addSessionRoutes(routes, api);
  addAdministrationRoutes(routes, api);
  addEvidenceRoutes(routes, api);
  return app;
}

/** Errors: `unauthenticated`, `refused`. */
export async function authenticate(api: ApiContext, request: IncomingMessage): Promise<Caller> {
  const known = await api.identify(request.headers.authorization);
  const address = request.socket.remoteAddress ?? '';
  if (known === null) {
    throw new GatewayError('unauthenticated', 'Give an administrator\'s token in COUNTERSIGN_TOKEN, or run this on the gateway\'s machine as its user.');
  }
  if ('operator' in known) {
    return { id: 'operator', address };
  }
  if (!known.identity.principal.groups.includes(administrators)) {
    throw new GatewayError('refused', `${known.identity.principal.id} is not in the group ${administrators}.`);
  }
  return { id: known.identity.principal.id, address };
}

/** A name that a web page made point at this machine is not a name of this machine (ATTACKS D35). */
function checkHost(request: IncomingMessage): void {
  const host = (request.headers.host ?? '').replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const local = request.socket.localAddress?.replace(/^::ffff:/, '') ?? '';
  const isLoopback = local === '::1' || local.startsWith('127.');
  if (isLoopback && !['localhost', '127.0.0.1', '::1', local].includes(host)) {
    throw new GatewayError('refused', 'The Host header does not name this machine.');
  }
  if (request.headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}

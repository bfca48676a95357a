import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { GatewayError } from '../domain/errors.ts';
import type { ApiContext, Caller } from './context.ts';
import { problem } from './problem.ts';
import { routes } from './routes.ts';

export type Api = Hono<{ Bindings: HttpBindings }>;

/** The API over HTTP. Everything but /api/health needs the operator's credential or an administrator's token. */
export function createApi(api: ApiContext, onError: (error: unknown) => void): Api {
  const app: Api = new Hono();
  app.onError((error) => {
    if (!(error instanceof GatewayError)) {
      onError(error);
    }
    return problem(error);
  });
  app.notFound(() => problem(new GatewayError('not_found', 'There is nothing at this address.')));
  app.get('/api/health', ({ env }) => {
    checkHost(env.incoming);
    return Response.json({ status: 'ok' });
  });
  for (const { method, path, answer } of routes) {
    app.on(method, path, async (context) => {
      checkHost(context.env.incoming);
      const caller = await authenticate(api, context.env.incoming);
      const query = new URL(context.req.url).searchParams;
      return answer({ api, caller, query, request: context.req.raw, param: (name) => context.req.param(name) ?? '' });
    });
  }
  return app;
}

/** Errors: `unauthenticated`, `refused`. */
async function authenticate(api: ApiContext, { socket, headers }: IncomingMessage): Promise<Caller> {
  const address = plainAddress(socket.remoteAddress);
  if (!isLoopback(address) && !(socket instanceof TLSSocket)) {
    throw new GatewayError('refused', 'The API takes credentials over the network only under TLS: configure tls, and use https://.');
  }
  return api.authenticate(headers.authorization, address);
}

/** A name that a web page made point at this machine is no name of this machine (ATTACKS D35). */
export function checkHost({ socket, headers }: IncomingMessage): void {
  const host = (headers.host ?? '')
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[|\]$/g, '');
  const local = plainAddress(socket.localAddress);
  if (isLoopback(local) && !['localhost', '127.0.0.1', '::1', local].includes(host)) {
    throw new GatewayError('refused', 'The Host header does not name this machine.');
  }
  if (headers.origin !== undefined) {
    throw new GatewayError('refused', 'The API is not for web pages of other origins.');
  }
}

export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/i, '');
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

import type { Hono } from 'hono';
import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import type { ApiContext } from './context.ts';
import { parseBody, type ApiEnvironment } from './request.ts';

const tokenBody = z.strictObject({ principal: z.string().min(1).max(256), ttlMs: z.number().positive().optional() });

export function addAdministrationRoutes(app: Hono<ApiEnvironment>, api: ApiContext): void {
  app.get('/api/targets', (c) => c.json(api.listTargets()));
  app.get('/api/principals', (c) => c.json(api.listPrincipals()));
  app.get('/api/targets/:target/connection', (c) => c.json(api.connection(c.req.param('target'))));
  app.get('/api/tokens', async (c) => c.json(await api.listTokens()));
  app.post('/api/tokens', async (c) => {
    const { principal, ttlMs } = await parseBody(c, tokenBody);
    return c.json(await api.createToken(principal, ttlMs));
  });
  app.delete('/api/tokens/:id', async (c) => {
    if (!(await api.revokeToken(c.req.param('id')))) {
      throw new GatewayError('not_found', `There is no token ${c.req.param('id')}.`);
    }
    return c.json({ revoked: c.req.param('id') });
  });
}

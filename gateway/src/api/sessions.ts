import type { Hono } from 'hono';
import { z } from 'zod';
import type { ApiContext } from './context.ts';
import { begun, ndjson, streamLines } from './ndjson.ts';
import { parseBody, type ApiEnvironment } from './request.ts';

const haltBody = z.strictObject({ reason: z.string().max(1000).default('') });
const runBody = z.strictObject({ principal: z.string().min(1).max(256), targets: z.array(z.string().min(1).max(256)).max(100).default([]) });

export function addSessionRoutes(app: Hono<ApiEnvironment>, api: ApiContext): void {
  app.get('/api/sessions', async (c) => ndjson(c, await begun(api.listSessions())));
  app.get('/api/sessions/:session/records', async (c) =>
    ndjson(c, await begun(api.showSession(c.req.param('session'), c.var.caller, null))),
  );
  app.get('/api/sessions/:session/watch', async (c) =>
    ndjson(c, await begun(api.showSession(c.req.param('session'), c.var.caller, c.req.raw.signal))),
  );
  app.get('/api/sessions/:session/bundle', async (c) =>
    streamLines(c, await begun(api.exportSession(c.req.param('session'), c.var.caller))),
  );
  app.post('/api/sessions/:session/halt', async (c) => {
    const { reason } = await parseBody(c, haltBody);
    await api.haltSession(c.req.param('session'), c.var.caller, reason);
    return c.json({ halted: c.req.param('session') });
  });
  app.post('/api/runs', async (c) => c.json(await api.openRun(await parseBody(c, runBody))));
  app.post('/api/runs/:session/end', (c) => {
    api.endRun(c.req.param('session'));
    return c.json({ ended: c.req.param('session') });
  });
}

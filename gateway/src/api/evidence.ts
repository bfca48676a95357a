import type { Hono } from 'hono';
import { GatewayError } from '../domain/errors.ts';
import type { ApiContext } from './context.ts';
import type { ApiEnvironment } from './request.ts';

/** Receipts, and the log as C2SP tlog-tiles wants it served. */
export function addEvidenceRoutes(app: Hono<ApiEnvironment>, api: ApiContext): void {
  app.get('/api/receipts/:log/:index', async (c) => c.text(await api.receipt(c.req.param('log'), Number(c.req.param('index')))));
  app.get('/log/*', async (c) => {
    const bytes = await api.logFile(c.req.path.slice('/log/'.length));
    if (bytes === null) {
      throw new GatewayError('not_found', 'The log has no such file.');
    }
    return c.body(new Uint8Array(bytes), 200, { 'content-type': 'application/octet-stream' });
  });
}

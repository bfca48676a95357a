import { GatewayError } from '../../domain/errors.ts';
import { alsoForAuditors, get } from '../endpoint.ts';

/** The log as C2SP tlog-tiles serves it: `checkpoint`, `tile/...`, and `key`. */
export const getLogFile = alsoForAuditors(
  get('/log/:path{.+}', async ({ api, param }) => {
    const path = param('path');
    const bytes = await api.logFile(path);
    if (bytes === null) {
      throw new GatewayError('not_found', 'The log has no such file.');
    }
    const contentType = path.startsWith('tile/') ? 'application/octet-stream' : 'text/plain; charset=utf-8';
    return new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } });
  }),
);

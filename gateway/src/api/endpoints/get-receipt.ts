import { GatewayError } from '../../domain/errors.ts';
import { get } from '../endpoint.ts';

/** The proof that a record is in the ledger: C2SP tlog-proof. */
export const getReceipt = get('/api/receipts/:log/:index', async ({ api, param }) => {
  if (!/^\d{1,15}$/.test(param('index'))) {
    throw new GatewayError('malformed', 'A record is named LOG/INDEX, and the index is a number.');
  }
  return new Response(await api.receipt(param('log'), Number(param('index'))), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
});

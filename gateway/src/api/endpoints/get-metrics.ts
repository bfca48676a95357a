import { alsoForAuditors, get } from '../endpoint.ts';
import { formatMetrics, metricsMediaType } from '../metrics.ts';

/** For Prometheus. */
export const getMetrics = alsoForAuditors(
  get('/metrics', async ({ api }) => new Response(formatMetrics(await api.measure()), { headers: { 'content-type': metricsMediaType } })),
);

import { statfs } from 'node:fs/promises';
import { text } from '../answer.ts';
import { endpoint } from '../endpoint.ts';
import { formatMetrics, metricsMediaType } from '../metrics.ts';
import type { ApiParts } from '../parts.ts';
import { secondsSince, unreadiness } from '../readiness.ts';

export const getMetrics = endpoint({
  id: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  summary: 'Gives what the gateway counts of itself, for Prometheus.',
  callers: 'auditors',
  answer: text(metricsMediaType),
  act: async (parts: Pick<ApiParts, 'data' | 'software' | 'recorder' | 'reader' | 'refusals' | 'isStopping'>) => {
    const { data, software, recorder, reader, refusals } = parts;
    const { bavail, blocks, bsize } = await statfs(data);
    return formatMetrics({
      software,
      epoch: recorder.epoch,
      sessionsOpen: recorder.sessionsOpen,
      sessionsOpened: recorder.sessionsOpened,
      records: recorder.size,
      journalBytes: recorder.journalBytes,
      commits: recorder.commits,
      indexBehind: Math.max(0, recorder.size - reader.state.size),
      refusals: refusals.counts,
      disk: { freeBytes: bavail * bsize, totalBytes: blocks * bsize },
      checkpoint: { size: recorder.published.size, ageSeconds: secondsSince(recorder.publishedMs) },
      memoryBytes: process.memoryUsage.rss(),
      isReady: unreadiness(parts).length === 0,
    });
  },
});

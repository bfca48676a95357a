import type { MessageRange, SessionPage, SessionSummary, ShownRecord } from '@countersign/gateway/api';
import { findData } from '@countersign/gateway/location';
import { rootKeyEnvironment } from '@countersign/gateway/store';
import { ApiClient } from './api-client.ts';
import { loadConfig } from './configuration.ts';
import type { LocationOptions } from './location-options.ts';
import { findRunning } from './location.ts';

export interface SourceOptions extends LocationOptions {
  /** A data directory to read as it is, whoever runs on it. */
  readonly data?: string;
}

/** A place that sessions are read from. */
export interface SessionSource extends AsyncDisposable {
  sessions(page: SessionPage): AsyncIterable<SessionSummary>;
  records(session: string): AsyncIterable<ShownRecord>;
  /** The recorded bytes of the range, exactly, in pieces. */
  bytes(session: string, range: MessageRange): AsyncIterable<Uint8Array>;
  /** The bundle that proves a session, in pieces. */
  bundle(session: string): AsyncIterable<Uint8Array | string>;
}

/** The running gateway, which records who reads; without one, or with `--data`, the files. */
export async function openSource(options: SourceOptions): Promise<SessionSource> {
  if (options.data !== undefined) {
    return openFiles(options.data, process.env);
  }
  if (options.url === undefined) {
    if (findRunning(findData(options.config)) === null) {
      const { data, rootKey } = await loadConfig(options);
      process.stderr.write(`No gateway runs on ${data}: this is read from its files, and nobody serves what is open in them.\n`);
      return openFiles(data, rootKeyEnvironment(rootKey, process.env));
    }
  }
  const api = await ApiClient.open(options);
  return {
    sessions: (page) => api.rows(`/api/sessions?${queryOf(page)}`),
    records: (session) => api.rows(`${sessionPath(session)}/records`),
    bytes: (session, { record, from, to }) => api.chunks(`${sessionPath(session)}/records/${record}/bytes?bytes=${from}-${to ?? ''}`),
    bundle: (session) => api.chunks(`${sessionPath(session)}/bundle`),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

/** Loaded here alone: who asks a running gateway need not load what reads its files. */
async function openFiles(data: string, environment: NodeJS.ProcessEnv): Promise<SessionSource> {
  const { openOffline } = await import('@countersign/gateway/offline');
  return openOffline(data, environment, (what) => {
    process.stderr.write(
      `countersign: index.db does not agree with the journal (${what}): what follows is from the journal; countersign index rebuild makes it again\n`,
    );
  });
}

function queryOf({ which, after, limit }: SessionPage): string {
  return new URLSearchParams({
    ...(which === 'all' ? { all: '' } : {}),
    ...(after === undefined ? {} : { after }),
    ...(limit === undefined ? {} : { limit: String(limit) }),
  }).toString();
}

export function sessionPath(session: string): string {
  return `/api/sessions/${session}`;
}

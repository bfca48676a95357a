import type { MessageRange, SessionOverview, SessionPage, SessionSummary, ShownRecord } from '@countersign/gateway/api';
import type { Trace } from '@countersign/gateway/record-trace';
import { findData } from '@countersign/gateway/location';
import type { RootSource } from '@countersign/gateway/store';
import { ApiClient } from './api-client.ts';
import { loadConfig } from './configuration.ts';
import type { LocationOptions } from './location-options.ts';
import { findRunning } from './location.ts';
import { requireUsualSecrets } from './usual-secrets.ts';

export interface SourceOptions extends LocationOptions {
  /** A data directory to read directly, even if a gateway runs on it. */
  readonly data?: string;
}

/** A place from which sessions are read. */
export interface SessionSource extends AsyncDisposable {
  /** Finds sessions by what their ids begin with, or lists them without overviews. */
  sessions(page: SessionPage): AsyncIterable<SessionSummary>;
  /** Lists sessions, with overviews where a gateway makes them. Rejects with an Error if the list needs the index of a gateway and none runs. */
  list(wanted: ListedSessions): AsyncIterable<SessionSummary | SessionOverview>;
  /** Returns the overview of a session; null where no gateway makes one. */
  overview(session: string, options?: { readonly content: boolean }): Promise<SessionOverview | null>;
  /** Yields the records of a session. Rejects with an Error if only facts are wanted where no gateway tells what they are. */
  records(session: string, options?: { readonly content: boolean }): AsyncIterable<ShownRecord>;
  /** Returns the record that is named LOG/INDEX. */
  record(id: string): Promise<ShownRecord>;
  /** Traces the record that is named LOG/INDEX. */
  trace(id: string): Promise<Trace>;
  /** Returns the record of a version of the policies. */
  policyRecord(version: string): Promise<ShownRecord>;
  /** Yields exactly the recorded bytes of the range, in pieces. */
  bytes(session: string, range: MessageRange): AsyncIterable<Uint8Array>;
  /** Yields the bundle that proves a session, in pieces, with the policies that decided in it if they are wanted. */
  bundle(session: string, options?: { readonly policies: boolean; readonly isStamped?: boolean }): AsyncIterable<Uint8Array | string>;
}

/** The sessions to list. */
interface ListedSessions extends SessionPage {
  /** Only those with a record for which this query holds. */
  readonly query?: string | undefined;
  /** Only those that began from or up to a time. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** False: without titles, which are content. */
  readonly content?: boolean;
}

/** Opens the running gateway, which records who reads. If none runs, or with `--data`, it opens the files. */
export async function openSource(options: SourceOptions): Promise<SessionSource> {
  if (options.data !== undefined) {
    requireUsualSecrets(options.data);
    return openFiles(options.data, { environment: process.env });
  }
  if (options.url === undefined) {
    if (findRunning(findData(options.config)) === null) {
      const { data, keys } = await loadConfig(options);
      const files = await openFiles(data, { keys, environment: process.env });
      process.stderr.write(`No gateway runs on ${data}: its files are read, and no session in them is being served.\n`);
      return files;
    }
  }
  const api = await ApiClient.open(options);
  return {
    sessions: (page) => listOf(api, page),
    list: (wanted) => api.rows(`/api/v1/sessions?${queryOf(wanted)}`),
    overview: async (session, { content } = { content: true }) => api.json<SessionOverview>('GET', `${sessionPath(session)}${content ? '' : '?facts'}`),
    records: (session, { content } = { content: true }) => api.rows(`${sessionPath(session)}/records${content ? '' : '?facts'}`),
    record: async (id) => first(api.rows(`/api/v1/records/${id}`)),
    trace: async (id) => first(api.rows<Trace>(`/api/v1/records/${id}/trace`)),
    policyRecord: async (version) => first(api.rows(`/api/v1/policy/versions/${encodeURIComponent(version)}`)),
    bytes: (session, { record, from, to }) => api.chunks(`${sessionPath(session)}/records/${record}/bytes?bytes=${from}-${to ?? ''}`),
    bundle: (session, { policies, isStamped = false } = { policies: false }) =>
      api.chunks(`${sessionPath(session)}/bundle?${[...(policies ? ['policies'] : []), ...(isStamped ? ['stamped'] : [])].join('&')}`),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  };
}

/** Lists sessions of a running gateway. */
export function listOf(api: ApiClient, page: SessionPage): AsyncIterable<SessionSummary> {
  return api.rows(`/api/v1/sessions?${queryOf({ ...page, content: false })}`);
}

async function first<Row>(rows: AsyncIterable<Row>): Promise<Row> {
  for await (const row of rows) {
    return row;
  }
  throw new Error('the gateway gave no record');
}

/** Opens the files of a store. The code for that is loaded here, so that commands that ask a running gateway do not load it. */
async function openFiles(data: string, source: RootSource): Promise<SessionSource> {
  const [{ openOffline }, { traceRecord }] = await Promise.all([import('@countersign/gateway/offline'), import('@countersign/gateway/record-trace')]);
  const store = await openOffline(data, source, (what) => {
    process.stderr.write(
      `countersign: index.db does not agree with the journal (${what}): what follows is from the journal; countersign index rebuild makes it again\n`,
    );
  });
  const record = async (id: string): Promise<ShownRecord> => {
    const found = await store.record(Number(id.split('/')[1]));
    if (found.record !== id) {
      throw new Error(`the log of ${id} is not kept here; this one is ${found.record?.split('/')[0] ?? ''}`);
    }
    return found;
  };
  return {
    ...store,
    overview: async () => Promise.resolve(null),
    records: (session, { content } = { content: true }) => {
      requireContent(content);
      return store.records(session);
    },
    list: ({ query, since, until, ...page }) => {
      if (query !== undefined || since !== undefined || until !== undefined) {
        throw new Error('--query, --since and --until need the index of a running gateway: start it with countersign up, or leave them out');
      }
      return store.sessions(page);
    },
    record,
    trace: async (id) => traceRecord(await record(id), store),
  };
}

/** Throws an Error if facts alone are wanted: which they are, only a gateway says. */
function requireContent(content: boolean): void {
  if (!content) {
    throw new Error('--no-content needs a running gateway, which leaves the content out: name it with --config or --url');
  }
}

function queryOf({ which, order, limit, content, ...texts }: ListedSessions): string {
  const asked = {
    ...texts,
    limit: limit?.toString(),
    all: which === 'all' ? '' : undefined,
    newest: order === 'newest' ? '' : undefined,
    facts: content === false ? '' : undefined,
  };
  return new URLSearchParams(Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))).toString();
}

export function sessionPath(session: string): string {
  return `/api/v1/sessions/${session}`;
}

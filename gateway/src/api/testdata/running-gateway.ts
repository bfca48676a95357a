import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importBundled } from '../../../../tests/support/main-file.ts';
import type { Gateway } from '../../gateway.ts';
import { checkedAnswer } from './checked-answer.ts';

export interface RunningGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly data: string;
  readonly url: string;
  readonly operator: string;
  /** Sends a request as the operator, unless `headers` say otherwise. Each answer is checked against the promises of its endpoint. */
  readonly ask: (
    method: string,
    path: string,
    options?: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ) => Promise<Response>;
  /** Sends a request and returns the JSON of the answer. Rejects if the answer is an error. */
  readonly json: (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>;
}

const principals = `
principals:
  wide: { kind: agent, targets: [api, wiki, shop] }
  bot: { kind: agent, groups: [agents], targets: [shop] }
  ann: { kind: human, groups: [admins], targets: [] }
`;

/** Starts a whole gateway with a directory of its own. Its target is never dialled, because a run is a session without a target. */
export async function openRunningGateway(lines = ''): Promise<RunningGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-api-'));
  const configFile = join(directory, 'countersign.yaml');
  writeFileSync(
    configFile,
    `data: store\nlisten: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }\ntargets: { shop: { url: postgres://app@127.0.0.1:1/shop }, api: { url: http://127.0.0.1:1 }, wiki: { url: http://127.0.0.1:1 } }\n${principals}${lines}`,
  );
  const { Gateway: Bundled } = await importBundled('gateway', async () => import('../../gateway.ts'));
  const gateway = await Bundled.open({ logLevel: 'silent', configFile });
  const data = join(directory, 'store');
  const url = `http://${gateway.addresses['http']}`;
  const operator = readFileSync(join(data, 'admin.token'), 'utf8').trim();
  const ask: RunningGateway['ask'] = async (method, path, { body, headers = { authorization: `Bearer ${operator}` }, signal } = {}) =>
    checkedAnswer(
      method,
      path,
      await fetch(url + path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(signal === undefined ? {} : { signal }) }),
    );
  return {
    gateway,
    data,
    url,
    operator,
    ask,
    json: async (method, path, body) => {
      const response = await ask(method, path, { body });
      assert.ok(response.ok, `${method} ${path}: ${response.status}`);
      return Object.assign({}, await response.json());
    },
    [Symbol.asyncDispose]: async () => {
      await gateway.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

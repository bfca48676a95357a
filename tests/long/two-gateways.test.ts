import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import type { SessionSummary, ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { Gateway } from '../../gateway/src/gateway.ts';
import { compileCache } from '../support/compile-cache.ts';
import { waitUntil } from '../support/wait-until.ts';

const program = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'protocols', 'mcp', 'testdata', 'listing-server.ts');

/** A gateway in this process, with a client of its own. */
class OwnGateway implements AsyncDisposable {
  readonly #directory: string;
  readonly #gateway: Gateway;
  #token = '';

  private constructor(directory: string, gateway: Gateway) {
    this.#directory = directory;
    this.#gateway = gateway;
  }

  static async open(targets: string): Promise<OwnGateway> {
    const directory = mkdtempSync(join(tmpdir(), 'countersign-beside-'));
    const configFile = join(directory, 'countersign.yaml');
    const principals = 'principals: { agent: { kind: agent, targets: [tools, program] } }';
    writeFileSync(configFile, `data: store\nlisten: { http: 127.0.0.1:0 }\ntargets:\n${targets}${principals}\n`);
    const own = new OwnGateway(directory, await Gateway.open({ logLevel: 'silent', configFile }));
    own.#token = JSON.parse(await own.#api('/api/v1/tokens', { principal: 'agent' })).token;
    return own;
  }

  /** Has the tools listed, by a request of a revision without sessions. */
  async list(target: string): Promise<string> {
    const version = '2026-07-28';
    const meta = { 'io.modelcontextprotocol/protocolVersion': version };
    const response = await fetch(`http://${this.#gateway.addresses['http']}/t/${target}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#token}`,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': version,
        'mcp-method': 'tools/list',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params: { _meta: meta } }),
    });
    const answer = await response.text();
    assert.equal(response.status, 200, answer);
    return answer;
  }

  async alerts(): Promise<readonly unknown[]> {
    const sessions: readonly SessionSummary[] = lines(await this.#api('/api/v1/sessions')).map((line) => JSON.parse(line));
    const texts = await Promise.all(sessions.map(async ({ session }) => this.#api(`/api/v1/sessions/${session}/records`)));
    const records: readonly ShownRecord[] = texts.flatMap((each) => lines(each).map((line): ShownRecord => JSON.parse(line)));
    return records.filter(({ kind }) => kind === 'alert').map(({ action, attributes }) => [action, attributes['gen_ai.tool.name']]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #api(path: string, body?: unknown): Promise<string> {
    const operator = readFileSync(join(this.#directory, 'store', 'admin.token'), 'utf8').trim();
    const answer = await fetch(`http://${this.#gateway.addresses['http']}${path}`, {
      headers: { authorization: `Bearer ${operator}` },
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    });
    return answer.text();
  }
}

function lines(whole: string): readonly string[] {
  return whole.split('\n').filter((line) => line !== '');
}

describe('two gateways in one process', () => {
  let server: SampleServer;
  let targets: string;
  let description = 'Adds two numbers';
  const changed = ['mcp.tool_changed', 'add'];
  before(async () => {
    server = await openServer(async (request, response) => {
      await text(request);
      const tools = [{ name: 'add', description, inputSchema: { type: 'object' } }];
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools } }));
    });
    targets = `  tools: { protocol: mcp, url: "${server.url}", durability: process }
  program: { command: ["${process.execPath}", "${program}"], environment: { ${compileCache()} }, durability: process }
`;
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
  });

  test('a changed tool definition is an alert at the gateway that knew it, and at no other', async () => {
    await using one = await OwnGateway.open(targets);
    await using other = await OwnGateway.open(targets);
    await one.list('tools');
    description = 'Adds two numbers, and more.';
    await other.list('tools');
    assert.deepEqual(await other.alerts(), []);
    await one.list('tools');
    assert.deepEqual(await one.alerts(), [changed]);
  });

  test('a server of standard input and output ends with its own gateway, and keeps running at the other', async () => {
    await using other = await OwnGateway.open(targets);
    const one = await OwnGateway.open(targets);
    const [its, others] = [processIn(await one.list('program')), processIn(await other.list('program'))];
    assert.notEqual(its, others);
    await one[Symbol.asyncDispose]();
    await waitUntil(() => !isRunning(its));
    assert.equal(processIn(await other.list('program')), others, 'the same process answers');
  });
});

/** The server names its tool by its process. */
function processIn(answer: string): number {
  return Number(/"name":"tool_of_(?<pid>\d+)"/.exec(answer)?.groups?.['pid'] ?? assert.fail(answer));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

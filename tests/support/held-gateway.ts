import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openServer } from '../../cli/src/demo/sample-server.ts';
import { GatewayProcess } from './gateway-process.ts';

const policy = `@id("posts")
@reason("Posting is for people to decide.")
@approval("dba") @breakglass("oncall")
forbid (principal, action == Action::"http.request", resource)
when { context.effects.contains("write") };
`;

/** A gateway that holds each POST to the target `files`, and the server behind it. */
export interface HeldGateway extends AsyncDisposable {
  readonly gateway: GatewayProcess;
  /** The directory of the policies. */
  readonly policies: string;
  /** The requests that arrived at the target, as `METHOD PATH`. */
  readonly heard: string[];
  readonly post: (token: string, path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>;
}

export async function openHeldGateway(more = '', environment: Readonly<Record<string, string>> = {}): Promise<HeldGateway> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-held-'));
  const policies = join(directory, 'policies');
  const heard: string[] = [];
  await using starting = new AsyncDisposableStack();
  starting.defer(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(policies);
  writeFileSync(join(policies, 'held.cedar'), policy);
  const server = starting.use(
    await openServer(async (request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end('fine');
    }),
  );
  const gateway = starting.use(
    await GatewayProcess.start({
      config: `policies: ${policies}
targets:
  files: { url: "${server.url}" }
principals:
  bot: { kind: agent, targets: [files] }
  ann: { kind: human, groups: [dba], targets: [files] }
  bob: { kind: human, groups: [dba] }
  eve: { kind: human, groups: [others] }
  dan: { kind: human, groups: [oncall], targets: [files] }
${more}`,
      environment,
    }),
  );
  const started = starting.move();
  return {
    gateway,
    policies,
    heard,
    post: async (token, path, headers = {}) =>
      fetch(`http://127.0.0.1:${gateway.port('http')}/t/files${path}`, {
        method: 'POST',
        body: 'x',
        headers: { authorization: `Bearer ${token}`, ...headers },
      }),
    [Symbol.asyncDispose]: async () => started.disposeAsync(),
  };
}

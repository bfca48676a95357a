import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { ShownRecord } from '../../gateway/src/feed/shown-record.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { startKubernetesServer, type KubernetesServer } from '../support/kubernetes-server.ts';
import { requireProgram } from '../support/require-program.ts';
import { runProgram, type RunResult } from '../support/run.ts';
import { bytesOf } from '../support/live-models.ts';
import { mainFile } from '../support/main-file.ts';
import { waitUntil, within } from '../support/wait-until.ts';

const policy = `@id("no-removal")
@reason("Nothing is removed here.")
forbid (principal, action in Action::"kubernetes", resource)
when { context.effects.contains("destroy") };
@id("no-secrets")
@reason("Secrets stay closed.")
forbid (principal, action in Action::"kubernetes", resource)
when { context.resource == "secrets" } unless { principal == Principal::"masked" };
@id("masked") @mask("email, kubernetes-secret")
permit (principal == Principal::"masked", action in Action::"kubernetes", resource == Target::"prod");
@id("no-shells")
@reason("No shells.")
forbid (principal, action == Action::"kubernetes.exec", resource)
when { context.command like "sh*" };
`;

/** True for a kubectl such as that of Debian 12, which is of version 1.20. A newer one speaks WebSocket to programs, and creates in Protocol Buffers, not in JSON of which it says no type. */
const isOld = /Minor:"(?:1\d|2\d)\D/.test(spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' }).stdout ?? '');

describe('kubectl through the gateway', requireProgram('kubectl', 'openssl'), () => {
  const parts = new AsyncDisposableStack();
  let server: KubernetesServer;
  let gateway: GatewayProcess;
  let directory: string;

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'countersign-kubernetes-'));
    parts.defer(() => {
      rmSync(directory, { recursive: true });
    });
    writeFileSync(join(directory, 'rules.cedar'), policy);
    server = parts.use(await startKubernetesServer());
    const place = `url: "https://localhost:${server.port}", protocol: kubernetes, password: { env: KUBE_TOKEN }`;
    gateway = parts.use(
      await GatewayProcess.start({
        listeners: ['kubernetes'],
        environment: { KUBE_TOKEN: server.token },
        config: `targets:
  prod: { ${place}, options: { caFile: "${server.caFile}" } }
  Stage_2.eu: { ${place}, options: { caFile: "${server.caFile}", impersonate: true } }
principals:
  agent: { kind: agent, targets: [prod, Stage_2.eu] }
  masked: { kind: agent, targets: [prod] }
  narrow: { kind: agent, targets: [Stage_2.eu] }
policies: ${join(directory, 'rules.cedar')}
`,
      }),
    );
  });
  after(async () => parts.disposeAsync());

  /** Runs a shell script within a run, as `countersign run` does. */
  const run = async (script: string, { as = 'agent', input = '' } = {}): Promise<RunResult> =>
    runProgram(
      process.execPath,
      [mainFile, 'run', '--config', gateway.configFile, '--as', as, '--', 'sh', '-c', script],
      { HOME: directory, KUBECONFIG: '' },
      input,
    );
  const newest = async (): Promise<readonly ShownRecord[]> => gateway.records((await gateway.newest()).session);
  const requests = async (): Promise<readonly ShownRecord[]> => (await newest()).filter(({ kind, channel }) => kind === 'request' && channel !== 0);

  test('discovery, objects and logs come, and each request is an action', async () => {
    const { status, stdout, stderr } = await run(
      'kubectl get pods && kubectl logs web && kubectl get --raw /version && kubectl create configmap notes --from-literal=a=b',
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /web[^]*first line[^]*"gitVersion":"v1.32.0"[^]*configmap\/notes created/);
    const asked = await requests();
    const create = asked.find(({ action }) => action === 'kubernetes.create');
    assert.deepEqual(
      [create?.attributes['countersign.cluster.resource'], create?.attributes['countersign.cluster.namespace'], create?.attributes['countersign.cluster.name']],
      ['configmaps', 'default', 'notes'],
      JSON.stringify(create?.attributes),
    );
    assert.deepEqual(create?.attributes['countersign.effects'], ['write']);
    assert.equal(server.heard.find(({ method }) => method === 'POST')?.headers['content-type'], isOld ? undefined : 'application/vnd.kubernetes.protobuf');
    assert.ok(
      server.heard.every(({ headers }) => headers.accept?.includes('vnd.kubernetes.protobuf') !== true),
      'objects are asked for in JSON',
    );
    assert.ok(asked.some(({ action, attributes }) => action === 'kubernetes.get' && attributes['countersign.cluster.subresource'] === 'log'));
    const files = JSON.stringify(await newest());
    assert.ok(!files.includes(server.token), "the target's credential is in no record");
  });

  test('a removal is denied with a Status that kubectl prints, and nothing is removed', async () => {
    const { status, stderr } = await run('kubectl delete pod web');
    assert.equal(status, 1);
    assert.match(stderr, /Error from server \(Forbidden\).*: countersign: Nothing is removed here \(session [0-9a-f]{32}\)/);
    assert.ok(server.heard.every(({ method }) => method !== 'DELETE'));
    const denied = (await requests()).find(({ action }) => action === 'kubernetes.delete');
    assert.deepEqual(
      [denied?.verdict, denied?.attributes['countersign.cluster.name'], denied?.attributes['countersign.effects']],
      ['deny', 'web', ['destroy', 'write']],
    );
  });

  test('an apply is decided on with its body', async () => {
    const notes = JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data: { a: 'b' } });
    const { status, stdout, stderr } = await run(
      `echo '${notes}' | kubectl apply --validate=false -f - && echo '${notes}' | kubectl apply --server-side --validate=false --force-conflicts -f -`,
    );
    assert.equal(status, 0, stderr);
    assert.match(stdout, /configmap\/applied created\nconfigmap\/applied serverside-applied/);
    const changes = (await requests()).filter(({ action }) => action === 'kubernetes.create' || action === 'kubernetes.patch');
    assert.deepEqual([...new Set(changes.map(({ action }) => action))], ['kubernetes.create', 'kubernetes.patch']);
    for (const { attributes } of changes) {
      assert.deepEqual([attributes['countersign.cluster.name'], attributes['countersign.effects']], ['applied', ['write']]);
    }
  });

  test('each target has a context, whatever its name is, and the API is told the principal where it is to be', async () => {
    const { status, stdout, stderr } = await run('kubectl config get-contexts -o name && kubectl --context Stage_2.eu get pods');
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^(?:prod\nStage_2\.eu|Stage_2\.eu\nprod)\n.*web/s);
    assert.equal(server.heard.at(-1)?.headers['impersonate-user'], 'agent');
    assert.equal(server.heard.findLast(({ path }) => path.startsWith('/version'))?.headers['impersonate-user'], undefined);
  });

  test('connect says how clients reach a cluster', async () => {
    const { status, stderr } = await run(`${process.execPath} ${mainFile} connect prod --config ${gateway.configFile}`);
    assert.equal(status, 1);
    assert.match(stderr, /prod is a target of kubernetes and needs no local port: .*countersign run --as PRINCIPAL -- kubectl --context prod get pods/);
  });

  test('a client cannot say for whom it asks, and cannot reach a target that it was not granted', async () => {
    const earlier = server.heard.length;
    const as = await run('kubectl --as system:admin get pods');
    assert.match(as.stderr, /The header impersonate-user is not taken from clients/);
    const other = await run(
      'sed s/Stage_2.eu.countersign.invalid/prod.countersign.invalid/ "$KUBECONFIG" > "$HOME/other" && KUBECONFIG="$HOME/other" kubectl get pods',
      { as: 'narrow' },
    );
    assert.equal(other.status, 1);
    assert.match(other.stderr, /countersign: /);
    assert.equal(server.heard.length, earlier);
  });

  test('a connection whose server name names no target is told so', async () => {
    const { stderr, stdout } = await run(
      'sed "s/Stage_2.eu.countersign.invalid/localhost/" "$KUBECONFIG" > "$HOME/other" && KUBECONFIG="$HOME/other" kubectl --insecure-skip-tls-verify=true get --raw /version',
      { as: 'narrow' },
    );
    assert.match(stdout + stderr, /countersign: .*target/);
  });

  test('what is watched comes event by event, masked too', async () => {
    for (const as of ['agent', 'masked']) {
      const file = join(directory, `watched-${as}`);
      const earlier = server.heard.length;
      const watching = run(`kubectl get configmaps --watch-only -o 'jsonpath={.data.said}|' > "$HOME/watched-${as}"`, { as });
      await waitUntil(() => server.heard.slice(earlier).some(({ path }) => path.includes('watch=true')));
      const metadata = { name: 'seen', namespace: 'default', resourceVersion: '2' };
      server.tell({ type: 'ADDED', object: { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { said: 'to jane.doe@example.com' } } });
      await waitUntil(() => readFileSync(file, 'utf8').endsWith('|'));
      assert.equal(readFileSync(file, 'utf8'), as === 'agent' ? 'to jane.doe@example.com|' : 'to [email]|');
      server.endWatches();
      const { status, stderr } = await watching;
      assert.equal(status, 0, stderr);
      const asked = await requests();
      assert.ok(asked.some(({ action }) => action === 'kubernetes.watch'));
    }
    assert.doesNotMatch(JSON.stringify(await newest()), /jane\.doe/);
    const logs = await run('kubectl logs web', { as: 'masked' });
    assert.equal(logs.stdout, 'first line\nmail [email]\n', logs.stderr);
  });

  test('what Secrets keep is masked, and clients can still read it', async () => {
    const masked = Buffer.from('[kubernetes-secret]').toString('base64');
    const { status, stdout, stderr } = await run(
      `kubectl get secret api -o 'jsonpath={.data.password} {.data.binary}' && kubectl describe secret api && kubectl get secrets -o json && kubectl get --raw /api/v1/namespaces/default/secrets`,
      { as: 'masked' },
    );
    assert.equal(status, 0, stderr);
    assert.ok(stdout.startsWith(`${masked} ${masked}`), stdout);
    assert.match(stdout, /Opaque[^]*password: +19 bytes/);
    assert.match(stdout, /last-applied-configuration": *"\[kubernetes-secret\]"/);
    const said = stdout + JSON.stringify(await newest());
    for (const each of [server.secret, Buffer.from(server.secret).toString('base64'), 'gIGCgw==']) {
      assert.ok(!said.includes(each), each);
    }
    const denied = await run('kubectl get secrets');
    assert.match(denied.stderr, /countersign: Secrets stay closed/);
  });

  test('a program in a container is recorded both ways where kubectl speaks WebSocket, and a shell is denied', async () => {
    const { status, stdout, stderr } = await run('echo typed | kubectl exec -i web -- cat -');
    if (isOld) {
      assert.equal(status, 1);
      assert.match(stderr, /Upgrade request required/);
    } else {
      assert.deepEqual([status, stdout], [0, 'typed\n'], stderr);
      const exec = (await requests()).find(({ action, verdict }) => action === 'kubernetes.exec' && verdict === 'allow');
      assert.deepEqual([exec?.attributes['process.command_line'], exec?.attributes['countersign.effects']], ['cat -', ['read']]);
      assert.match(JSON.stringify(await newest()), /typed/);
      const failed = await run('kubectl exec web -- cat /nowhere/at/all');
      assert.deepEqual([failed.status, failed.stdout], [1, '']);
      assert.match(failed.stderr, /No such file[^]*exit code 1/);
      const attached = await run('echo typed | kubectl attach -i web');
      assert.match(attached.stdout, /typed/, attached.stderr);
      assert.ok(
        (await requests()).some(({ action, attributes }) => action === 'kubernetes.attach' && attributes['countersign.effects']?.toString() === 'unknown'),
      );
      writeFileSync(join(directory, 'copied'), 'kept\n');
      const copied = await run(`kubectl cp web:${join(directory, 'copied').slice(1)} "$HOME/copy"`);
      assert.equal(copied.status, 0, copied.stderr);
      assert.equal(readFileSync(join(directory, 'copy'), 'utf8'), 'kept\n');
    }
    const denied = await run('kubectl exec web -- sh -c "rm -r /"');
    assert.equal(denied.status, 1);
    assert.match(denied.stderr, /countersign: No shells/);
  });

  /** Runs a program in a container as a client without kubectl does, with a terminal. */
  const begin = async (command: readonly string[], { as }: { readonly as: string }): Promise<{ readonly client: WebSocket; readonly heard: Buffer[] }> => {
    const token = await gateway.issueToken(as);
    const query = new URLSearchParams([...command.map((word) => ['command', word]), ['stdin', 'true'], ['stdout', 'true'], ['tty', 'true']]);
    const place = `ws://127.0.0.1:${gateway.port('http')}/t/prod/api/v1/namespaces/default/pods/web/exec?${query.toString()}`;
    const client = new WebSocket(place, ['v5.channel.k8s.io'], { headers: { authorization: `Bearer ${token}` } });
    const heard: Buffer[] = [];
    client.on('message', (message) => heard.push(bytesOf(message)));
    await once(client, 'open');
    return { client, heard };
  };

  test('a value in what a program says is masked, although it comes in two messages', async () => {
    const program = String.raw`$| = 1; print "\xc3"; print "\xa4 to jane.doe\@"; <STDIN>; print "example.com\n"; <STDIN>; print "\xff"; <STDIN>`;
    const { client, heard } = await begin(['perl', '-e', program], { as: 'masked' });
    const said = (channel: number): string => Buffer.concat(heard.flatMap((bytes) => (bytes[0] === channel ? [bytes.subarray(1)] : []))).toString();
    await waitUntil(() => server.said().endsWith('jane.doe@'));
    client.send(Buffer.of(0, 0x0a));
    await waitUntil(() => said(1).includes('\n'));
    assert.equal(said(1), 'ä to [email]\n');
    client.send(Buffer.of(0, 0x0a));
    const [code] = await once(client, 'close');
    assert.equal(code, 1008, 'what is no text is not passed on');
    const answered = (await newest()).filter(({ kind }) => kind === 'response');
    assert.match(JSON.stringify(answered), /ä to |\[email\]/);
    assert.doesNotMatch(JSON.stringify(answered), /jane\.doe|\ufffd/);
  });

  test('A10: an upgrade that fails leaves nothing open: what comes behind it is a request, and is decided on', async () => {
    const earlier = server.heard.length;
    const token = await gateway.issueToken('agent');
    const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n`;
    const upgrade =
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n';
    for (const failing of ['pods/web/exec?command=sh', 'pods/gone/exec?command=cat', 'pods/web/log']) {
      const socket = connect(gateway.port('http'), '127.0.0.1');
      const said = text(socket);
      socket.write(`GET /t/prod/api/v1/namespaces/default/${failing} HTTP/1.1\r\n${head}${upgrade}\r\n`);
      socket.write(`GET /api/v1/namespaces/default/secrets/api HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
      socket.write(`GET /t/prod/api/v1/namespaces/default/secrets/api HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);
      const answers = await within(said, `the end of ${failing}`);
      assert.match(answers, /^HTTP\/1\.1 [45]\d\d /, failing);
      assert.doesNotMatch(answers, /^HTTP\/1\.1 101/m, failing);
      assert.ok(!answers.includes(Buffer.from(server.secret).toString('base64')) && !answers.includes(server.secret), failing);
    }
    assert.ok(
      server.heard.slice(earlier).every(({ path }) => !path.includes('secrets')),
      'nothing goes round policy',
    );
  });

  test('channels in base64 are refused', async () => {
    const token = await gateway.issueToken('agent');
    const place = `ws://127.0.0.1:${gateway.port('http')}/t/prod/api/v1/namespaces/default/pods/web/exec?command=cat`;
    const client = new WebSocket(place, ['base64.channel.k8s.io'], { headers: { authorization: `Bearer ${token}` } });
    const [error] = await once(client, 'error');
    assert.match(String(error), /Unexpected server response: 4\d\d/);
  });

  test('a program in a container plays as a terminal', async () => {
    const { client, heard } = await begin(['cat', '-'], { as: 'agent' });
    const typed = Buffer.from('ärger\r\n');
    client.send(Buffer.concat([Buffer.of(4), Buffer.from('{"Width":120,"Height":40}')]));
    // The first character comes in two messages.
    client.send(Buffer.concat([Buffer.of(0), typed.subarray(0, 1)]));
    await waitUntil(() => heard.some((bytes) => bytes[0] === 1));
    client.send(Buffer.concat([Buffer.of(0), typed.subarray(1)]));
    await waitUntil(() => Buffer.concat(heard.map((bytes) => bytes.subarray(1))).includes(typed));
    client.send(Buffer.of(255, 0));
    await once(client, 'close');
    const { session } = await gateway.newest();
    const cast = gateway.command(['session', 'export', session, '--asciicast', '3']);
    assert.equal(cast.status, 0, cast.stderr);
    const [head, ...events] = cast.stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line));
    assert.partialDeepStrictEqual(head, { version: 3, term: { cols: 80, rows: 24 } });
    const ofKind = (kind: string): string => events.map((event) => (Array.isArray(event) && event[1] === kind ? String(event[2]) : '')).join('');
    assert.deepEqual([ofKind('r'), ofKind('i'), ofKind('o'), ofKind('x')], ['120x40', 'ärger\r\n', 'ärger\r\n', '0']);
  });

  test('the record of all this is whole', () => {
    const { status, stdout, stderr } = gateway.verify();
    assert.equal(status, 0, stdout + stderr);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { WebSocketServer, type WebSocket } from 'ws';
import { makeCertificate } from '../../gateway/src/wire/testdata/certificates.ts';
import { bytesOf } from './live-models.ts';

/** The channels of the subprotocol `v5.channel.k8s.io`, by the first byte of each message. */
const channels = { input: 0, output: 1, errors: 2, status: 3, close: 255 } as const;
const kinds: Readonly<Record<string, string>> = { configmaps: 'ConfigMap', secrets: 'Secret', pods: 'Pod', serviceaccounts: 'ServiceAccount' };
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const pod = { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'app', image: 'app:1' }] }, status: { phase: 'Running' } };
const fixed: Readonly<Record<string, unknown>> = {
  '/version': { major: '1', minor: '32', gitVersion: 'v1.32.0' },
  '/api': { kind: 'APIVersions', versions: ['v1'] },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: Object.entries(kinds).map(([name, kind]) => ({ name, singularName: kind.toLowerCase(), namespaced: true, kind, verbs })),
  },
};

interface HeardRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Stored {
  readonly metadata: { readonly name: string };
  readonly [member: string]: unknown;
}

export interface KubernetesServer extends AsyncDisposable {
  readonly port: number;
  /** PEM file of the authority of its certificate. */
  readonly caFile: string;
  readonly token: string;
  /** The password that the Secret `api` keeps. */
  readonly secret: string;
  /** All requests that came, in their order. */
  readonly heard: readonly HeardRequest[];
  /** Returns all that programs have said on standard output. */
  said(): string;
  /** Sends an event to all who watch. */
  tell(event: Readonly<Record<string, unknown>>): void;
  endWatches(): void;
}

/**
 * Starts a small server that answers what kubectl asks, in the forms of a Kubernetes API: discovery, objects of a few kinds in one namespace, watches, logs, and programs over WebSocket.
 * It is no Kubernetes: it keeps what it gets as it is, checks nothing but the token, and runs programs of this machine, without a terminal.
 */
export async function startKubernetesServer(): Promise<KubernetesServer> {
  const { certificate, key, certificateFile } = makeCertificate();
  const token = `kube-${'s'.repeat(32)}`;
  const heard: HeardRequest[] = [];
  const output: Buffer[] = [];
  const watching = new Set<ServerResponse>();
  const secret = 'words-that-look-like-nothing';
  const kept = { data: { password: Buffer.from(secret).toString('base64'), binary: 'gIGCgw==' } };
  const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify(kept) };
  const metadata = { name: 'api', namespace: 'default', annotations };
  const objects = new Map<string, Stored>([
    ['pods/web', { kind: 'Pod', apiVersion: 'v1', ...pod }],
    ['secrets/api', { kind: 'Secret', apiVersion: 'v1', metadata, type: 'Opaque', ...kept }],
  ]);

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const { method = '', url = '', headers } = request;
    heard.push({ method, path: url, headers, body });
    const say = (status: number, value: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    const fail = (code: number, reason: string, message: string): void => {
      say(code, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason, message, code });
    };
    if (headers.authorization !== `Bearer ${token}`) {
      fail(401, 'Unauthorized', 'Unauthorized');
      return;
    }
    const { pathname, searchParams } = new URL(url, 'https://server');
    if (fixed[pathname] !== undefined) {
      say(200, fixed[pathname]);
      return;
    }
    const [, resource = '', name = '', part = ''] = /^\/api\/v1\/namespaces\/default\/(\w+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(pathname) ?? [];
    const kind = kinds[resource];
    const known = objects.get(`${resource}/${name}`);
    if (kind === undefined || (name !== '' && known === undefined && method !== 'PATCH')) {
      fail(404, 'NotFound', `${resource} "${name}" not found`);
    } else if (part === 'log') {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('first line\n');
      response.end('mail jane.doe@example.com\n');
    } else if (part !== '') {
      fail(400, 'BadRequest', 'Upgrade request required');
    } else if (name === '' && method === 'GET' && searchParams.get('watch') === 'true') {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      watching.add(response);
      response.once('close', () => watching.delete(response));
    } else if (name === '' && method === 'GET') {
      const items = [...objects].flatMap(([place, object]) => (place.startsWith(`${resource}/`) ? [object] : []));
      say(200, { kind: `${kind}List`, apiVersion: 'v1', metadata: { resourceVersion: '1' }, items });
    } else if (method === 'POST' || method === 'PATCH' || method === 'PUT') {
      const isProtobuf = headers['content-type'] === 'application/vnd.kubernetes.protobuf';
      // Names are found in the bytes as they stand behind their tags: it is enough for the objects of the tests.
      const sent: Stored = isProtobuf
        ? { metadata: { name: /\n.\n.([a-z-]+)/s.exec(body.toString('latin1').slice(20))?.[1] ?? '' } }
        : JSON.parse(body.toString());
      const object: Stored = { ...known, ...sent, kind, apiVersion: 'v1', metadata: { ...known?.metadata, ...sent.metadata } };
      if (searchParams.get('dryRun') !== 'All') {
        objects.set(`${resource}/${name === '' ? object.metadata.name : name}`, object);
      }
      say(method === 'POST' ? 201 : 200, object);
    } else if (method === 'DELETE') {
      objects.delete(`${resource}/${name}`);
      say(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, kind: resource } });
    } else {
      say(200, known);
    }
  };

  const server = createServer({ cert: certificate, key }, (request, response) => {
    answer(request, response).catch(() => response.destroy());
  }).listen(0, '127.0.0.1');
  const sockets = new WebSocketServer({
    server,
    handleProtocols: () => 'v5.channel.k8s.io',
    verifyClient: ({ req: { url = '' } }, done) => {
      done(!url.includes('/pods/gone/'), 404);
    },
  });
  sockets.on('connection', (socket, { method = '', url = '', headers }) => {
    heard.push({ method, path: url, headers, body: Buffer.alloc(0) });
    const { pathname, searchParams } = new URL(url, 'https://server');
    runProgram(socket, pathname.endsWith('/attach') ? ['cat'] : searchParams.getAll('command'), output);
  });
  await once(server, 'listening');
  const address = server.address();
  return {
    port: address === null || typeof address === 'string' ? 0 : address.port,
    caFile: certificateFile,
    token,
    secret,
    heard,
    said: () => Buffer.concat(output).toString(),
    tell: (event) => {
      watching.forEach((response) => response.write(`${JSON.stringify(event)}\n`));
    },
    endWatches: () => {
      watching.forEach((response) => response.end());
    },
    [Symbol.asyncDispose]: async () => {
      sockets.clients.forEach((client) => {
        client.terminate();
      });
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Runs a program of this machine in place of one in a container, and notes what it says. */
function runProgram(socket: WebSocket, [program = '', ...words]: readonly string[], output: Buffer[]): void {
  const send = (channel: number, bytes: Buffer | string): void => {
    socket.send(Buffer.concat([Buffer.of(channel), Buffer.from(bytes)]));
  };
  const child = spawn(program, words, { stdio: 'pipe', cwd: '/' });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.stdout.on('data', (bytes: Buffer) => {
    output.push(bytes);
    send(channels.output, bytes);
  });
  child.stderr.on('data', (bytes: Buffer) => {
    send(channels.errors, bytes);
  });
  child.once('close', (code) => {
    const failure = { status: 'Failure', reason: 'NonZeroExitCode', message: `command terminated with exit code ${code}` };
    const details = { causes: [{ reason: 'ExitCode', message: String(code) }] };
    send(channels.status, JSON.stringify({ metadata: {}, ...(code === 0 ? { status: 'Success' } : { ...failure, details }) }));
    socket.close(1000);
  });
  socket.once('close', () => child.kill());
  socket.on('message', (message) => {
    const bytes = bytesOf(message);
    if (bytes[0] === channels.close) {
      child.stdin.end();
    } else if (bytes[0] === channels.input) {
      child.stdin.write(bytes.subarray(1));
    }
  });
}

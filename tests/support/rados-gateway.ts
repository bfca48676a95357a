/** Ceph's server of the protocol of S3 (radosgw), with a cluster of one monitor and one store below a temporary directory, on loopback. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../cli/src/demo/free-port.ts';
import { s3Environment } from '../../gateway/src/archive/testdata/s3-server.ts';
import { signAws } from '../../gateway/src/exchange/target/aws-signature.ts';
import { waitUntil } from './wait-until.ts';

/** The Debian packages, and programs of them. */
export const radosPackages = 'radosgw ceph-mon ceph-osd';
export const radosPrograms = ['radosgw', 'radosgw-admin', 'ceph-mon', 'ceph-osd', 'ceph', 'ceph-authtool', 'monmaptool'] as const;

const commandMs = 120_000;
/** How long the server may take to make its pools and to answer. */
const startMs = 170_000;

export class RadosGateway implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'countersign-rados-'));
  readonly #children: ChildProcess[] = [];
  #server: ChildProcess | null = null;
  #port = 0;

  static async open(): Promise<RadosGateway> {
    await using opening = new AsyncDisposableStack();
    const rados = opening.use(new RadosGateway());
    await rados.#openCluster();
    await rados.start();
    opening.move();
    return rados;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Makes a bucket. With `lock` it has versions, and objects in it can be locked. */
  async makeBucket(name: string, { lock }: { readonly lock: boolean }): Promise<void> {
    const answer = await this.ask('PUT', `/${name}`, lock ? [['x-amz-bucket-object-lock-enabled', 'true']] : []);
    assert.equal(answer.status, 200, await answer.text());
  }

  /** Asks the server with a signed request. */
  async ask(method: 'PUT' | 'HEAD' | 'GET', path: string, more: readonly (readonly [string, string])[] = []): Promise<Response> {
    const headers = [['host', `127.0.0.1:${this.#port}`], ...more] as const;
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = s3Environment;
    const signed = signAws({ method, path, headers }, [], { accessKeyId, secretAccessKey, region: 'us-east-1', service: 's3' }, new Date());
    return fetch(`${this.endpoint}${path}`, { method, headers: Object.fromEntries([...more, ...signed.headers]) });
  }

  /** Starts the server, on the port that it had before. */
  async start(): Promise<void> {
    const server = this.#spawn('radosgw', ['-n', 'client.rgw', '--rgw-data', this.#directory, `--rgw-frontends=beast endpoint=127.0.0.1:${this.#port}`]);
    this.#server = server;
    await waitUntil(async () => {
      assert.equal(server.exitCode, null, 'radosgw has ended');
      return (await fetch(this.endpoint).catch(() => null)) !== null;
    }, startMs);
  }

  /** Ends the server. What it keeps stays in the cluster. */
  async stop(): Promise<void> {
    await end(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    for (const child of this.#children.toReversed()) {
      await end(child);
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #openCluster(): Promise<void> {
    this.#port = await freePort();
    const monitor = `[v2:127.0.0.1:${await freePort()}/0]`;
    const [cluster, store] = [randomUUID(), randomUUID()];
    const directory = this.#directory;
    for (const name of ['mon', 'osd']) {
      mkdirSync(join(directory, name));
    }
    const settings = {
      fsid: cluster,
      'mon host': monitor,
      keyring: this.#keyring,
      'public addr': '127.0.0.1',
      'cluster addr': '127.0.0.1',
      'mon data': join(directory, 'mon'),
      'osd data': join(directory, 'osd'),
      'osd objectstore': 'memstore',
      'memstore device bytes': '4294967296',
      'osd pool default size': '1',
      'osd pool default min size': '1',
      'osd pool default pg num': '1',
      'osd pool default pgp num': '1',
      'osd crush chooseleaf type': '0',
      'mon allow pool size one': 'true',
      'mon max pg per osd': '1000',
      'run dir': directory,
      'admin socket': join(directory, '$name.asok'),
      'log file': join(directory, '$name.log'),
      'rgw dns name': '127.0.0.1',
      'rgw num rados handles': '1',
      'rgw thread pool size': '16',
      'rgw enable usage log': 'false',
    };
    writeFileSync(
      this.#configuration,
      `[global]\n${Object.entries(settings)
        .map(([name, value]) => `${name} = ${value}\n`)
        .join('')}`,
    );
    for (const [name, ...caps] of [
      ['mon.', 'mon', 'allow *'],
      ['client.admin', 'mon', 'allow *', 'osd', 'allow *'],
      ['osd.0', 'mon', 'allow profile osd', 'osd', 'allow *'],
      ['client.rgw', 'mon', 'allow rwx', 'osd', 'allow rwx'],
    ] as const) {
      const made = name === 'mon.' ? ['--create-keyring'] : [];
      const pairs = caps.flatMap((word, at) => (at % 2 === 0 ? ['--cap', word] : [word]));
      this.#run('ceph-authtool', [...made, this.#keyring, '--gen-key', '-n', name, ...pairs]);
    }
    this.#run('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', monitor, join(directory, 'monmap')]);
    this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', join(directory, 'monmap'), '--keyring', this.#keyring]);
    this.#children.push(this.#spawn('ceph-mon', ['-i', 'a']));
    this.#run('ceph', ['osd', 'new', store]);
    this.#run('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', store]);
    this.#children.push(this.#spawn('ceph-osd', ['-i', '0']));
    const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = s3Environment;
    this.#run('radosgw-admin', [
      '-n',
      'client.rgw',
      'user',
      'create',
      '--uid',
      'countersign',
      '--display-name',
      'x',
      '--access-key',
      access,
      '--secret',
      secret,
    ]);
  }

  get #keyring(): string {
    return join(this.#directory, 'keyring');
  }

  get #configuration(): string {
    return join(this.#directory, 'ceph.conf');
  }

  #run(program: string, words: readonly string[]): void {
    const { status, stderr } = spawnSync(program, [...words, '-c', this.#configuration], { encoding: 'utf8', timeout: commandMs });
    assert.equal(status, 0, `${program} ${words.join(' ')}: ${stderr}`);
  }

  #spawn(program: string, words: readonly string[]): ChildProcess {
    return spawn(program, ['-c', this.#configuration, '-f', ...words], { stdio: 'ignore' });
  }
}

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) {
    return;
  }
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

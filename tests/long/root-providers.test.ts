import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { ShownKeys } from '../../gateway/src/api/endpoints/list-keys.ts';
import { s3Environment } from '../../gateway/src/archive/testdata/s3-server.ts';
import { Gateway } from '../../gateway/src/gateway.ts';
import { classKeys } from '../../gateway/src/recording/testdata/kept-recording.ts';
import { openServer, type SampleServer } from '../../cli/src/demo/sample-server.ts';
import { exitCodes } from '../../ledger/src/verdict.ts';
import { GatewayProcess, type CliResult } from '../support/gateway-process.ts';
import { kmsArn, openKms, openVault, vaultToken } from '../support/key-servers.ts';
import { requireProgram } from '../support/require-program.ts';
import { makeSoftToken, softTokenPrograms } from '../support/soft-token.ts';

/** Something that wraps the root secret, and may be lost. */
interface Provider extends AsyncDisposable {
  /** As `keys.root` has it. */
  readonly settings: string;
  readonly environment: Readonly<Record<string, string>>;
  /** From now on it gives nothing. */
  readonly lose: () => void;
  /** Whoever reads an error must not find this in it. */
  readonly secret: string;
}

async function openVaultProvider(): Promise<Provider> {
  const vault = await openVault();
  return {
    settings: `{ vault: "${vault.url}/v1/transit/keys/countersign", token: { env: TEST_VAULT_TOKEN } }`,
    environment: { TEST_VAULT_TOKEN: vaultToken },
    lose: () => {
      vault.isWilling = false;
    },
    secret: vaultToken,
    [Symbol.asyncDispose]: async () => vault[Symbol.asyncDispose](),
  };
}

async function openKmsProvider(): Promise<Provider> {
  const kms = await openKms();
  return {
    settings: `{ aws-kms: "${kmsArn}", endpoint: "${kms.url}" }`,
    environment: s3Environment,
    lose: () => {
      kms.isWilling = false;
    },
    secret: s3Environment.AWS_SECRET_ACCESS_KEY,
    [Symbol.asyncDispose]: async () => kms[Symbol.asyncDispose](),
  };
}

async function openTokenProvider(): Promise<Provider> {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-token-'));
  const { module, token, key, environment } = makeSoftToken(directory);
  return Promise.resolve({
    settings: `{ pkcs11: { module: ${module}, token: ${token}, key: "${key}", pin: { env: PIN } } }`,
    environment,
    lose: () => {
      rmSync(join(directory, 'tokens'), { recursive: true });
      mkdirSync(join(directory, 'tokens'));
    },
    secret: environment['PIN'] ?? '',
    [Symbol.asyncDispose]: async () => Promise.resolve(rmSync(directory, { recursive: true })),
  });
}

/** Identities of age that were made for this test, and the recipient of the first one. */
const ageIdentity = 'AGE-SECRET-KEY-158CY9PT686KM39F54P0WTN6T6AWEYY5C7H5PDXUZVTF6UL9JSUHSST9G7Z';
const recipient = 'age15zdaqjrl5nahyg8r24mld6mx4zg4vex6tqtxph2mpqx2tt8u434qrfl2w4';
const otherIdentity = 'AGE-SECRET-KEY-1LNDSKLXNMECZW3YV52UK7R4J38P8LL4XUMQE804QQA5DRSQU9EKQM8LGEG';

const dayMs = 86_400_000;
const rootKey = 'ab'.repeat(32);
const answered = 'what the target answered';

describe('the root secret of a gateway, by whatever wraps it', () => {
  let target: SampleServer;
  let directory: string;
  let identity: string;
  before(async () => {
    target = await openServer(async (_request, response) => {
      response.end(answered);
      await Promise.resolve();
    });
    directory = mkdtempSync(join(tmpdir(), 'countersign-escrow-'));
    identity = join(directory, 'escrow.txt');
    writeFileSync(identity, `${ageIdentity}\n`);
    writeFileSync(join(directory, 'other.txt'), `${otherIdentity}\n`);
  });
  after(async () => {
    await target[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  const configOf = (keys: string): string =>
    [`targets: { web: { url: "${target.url}" } }`, 'principals: { ann: { kind: human, targets: [web] } }', `keys: { ${keys} }`, ''].join('\n');

  /**
   * Runs a command. The servers that wrap keys are in this process, so its event loop must not stand still for one that asks them, or has the gateway ask: that runs in a
   * process of its own.
   */
  const run = async (gateway: GatewayProcess, words: readonly string[], environment: Provider['environment']): Promise<CliResult> => {
    if (words[0] !== 'verify' && !['rotate', 'recover'].includes(words[1] ?? '')) {
      return gateway.command(words, environment);
    }
    const child = gateway.spawnCli(words, environment);
    const [[status], stdout, stderr] = await Promise.all([once(child, 'exit'), text(child.stdout), text(child.stderr)]);
    return { status: Number(status ?? -1), stdout, stderr };
  };

  const ask = async (gateway: GatewayProcess): Promise<string> => {
    const headers = { authorization: `Bearer ${await gateway.issueToken('ann')}`, connection: 'close' };
    const answer = await fetch(`http://127.0.0.1:${gateway.port('http')}/t/web/page`, { headers });
    assert.equal(await answer.text(), answered);
    return (await gateway.newest()).session;
  };

  const shownKeys = async (gateway: GatewayProcess): Promise<ShownKeys> => JSON.parse(await (await gateway.api('/api/v1/keys')).text());

  for (const { name, open, needs, encrypted } of [
    { name: 'Vault', open: openVaultProvider, needs: [], encrypted: true },
    { name: 'AWS KMS', open: openKmsProvider, needs: [], encrypted: false },
    { name: 'PKCS#11', open: openTokenProvider, needs: softTokenPrograms, encrypted: true },
  ] as const) {
    test(`${name}: it is rotated, backed up, restored, and recovered from escrow once the provider is lost`, requireProgram(...needs), async () => {
      await using provider = await open();
      const { environment } = provider;
      const lines: string[] = [];
      const withKey = configOf(`root: ${provider.settings}, escrow: [${recipient}]`);
      await using gateway = await GatewayProcess.start({ config: withKey, environment });
      const done = async (...words: readonly string[]): Promise<string> => {
        const { status, stdout, stderr } = await run(gateway, words, environment);
        lines.push(stdout, stderr);
        assert.equal(status, 0, `${words.join(' ')}: ${stdout}${stderr}`);
        return stdout;
      };
      const refused = async (status: number, ...words: readonly string[]): Promise<string> => {
        const result = await run(gateway, words, environment);
        lines.push(result.stdout, result.stderr);
        assert.equal(result.status, status, result.stdout + result.stderr);
        return result.stdout + result.stderr;
      };
      const session = await ask(gateway);
      await done('key', 'escrow', '--check');
      const kind = { Vault: 'vault', 'AWS KMS': 'aws-kms', 'PKCS#11': 'pkcs11' }[name];
      assert.match(await done('key', 'rotate', 'root', '--reason', 'a test'), new RegExp(`^root secret 2 is in force, wrapped by ${kind} `));
      assert.match(await done('key', 'escrow', '--check'), /root secret 2, written .*, in force/);
      rmSync(join(gateway.data, 'escrow', 'root-2.age'));
      assert.match(await refused(1, 'key', 'escrow', '--check'), /root secret 2, which is in force, is not in escrow/);
      await gateway.signal('SIGTERM');
      await gateway.start();
      await done('key', 'escrow', '--check');

      // The machine is lost, and the provider is there.
      const out = join(gateway.directory, 'backup');
      const backUp = async (): Promise<string> => done('backup', '--out', out, ...(encrypted ? ['--for', recipient] : []));
      assert.match(await backUp(), /The root key is not in it.*elsewhere apart from the backup, or an identity of keys\.escrow/);
      await gateway.signal('SIGTERM');
      const restore = async (): Promise<void> => {
        rmSync(gateway.data, { recursive: true });
        await done('restore', out, '--data', gateway.data, ...(encrypted ? ['--identity', identity] : []));
        assert.deepEqual(readdirSync(join(gateway.data, 'escrow')), ['root-2.age'], 'what opens the keys in it, and none from before');
      };
      await restore();
      await gateway.start();
      assert.match(await done('session', 'show', session), new RegExp(answered));
      await gateway.signal('SIGTERM');
      assert.match(await done('verify', '--config', gateway.configFile), /sealed bodies were opened/);

      // The provider is lost.
      provider.lose();
      const unchecked = await refused(exitCodes.trust, 'verify', '--config', gateway.configFile);
      assert.equal(unchecked.split('does not give the root key').length, 2, 'it is said once');
      assert.match(unchecked, /trust: keys\.db: the root key is not given, so no sealed body was opened/);
      assert.match(unchecked, /\d+ keys announced and compared with the key store/);
      assert.match(await done('verify', '--config', gateway.configFile, '--no-bodies'), /HOLDS/);

      // And the machine too, a second time.
      await restore();
      await assert.rejects(gateway.start(), /does not give the root key/);
      gateway.configure(configOf('root: { env: NEW_ROOT }'));
      const withNew = { ...environment, NEW_ROOT: rootKey };
      const wrong = await run(gateway, ['key', 'recover', '--identity', join(directory, 'other.txt')], withNew);
      assert.equal(wrong.status, 1);
      assert.match(wrong.stderr, /cannot be decrypted: give with --identity/);
      const recovered = await run(gateway, ['key', 'recover', '--identity', identity], withNew);
      assert.equal(recovered.status, 0, recovered.stderr);
      assert.match(recovered.stdout, /^root secret 2 of .*root-2\.age opens keys\.db, and is wrapped by local [0-9a-f]{16} again/);
      gateway.configure(configOf(`root: { file: ${join(directory, 'new.key')} }`));
      writeFileSync(join(directory, 'new.key'), rootKey, { mode: 0o600 });
      await gateway.start();
      assert.match(await done('session', 'show', session), new RegExp(answered));
      assert.match((await shownKeys(gateway)).root.provider, /^local /);
      await gateway.signal('SIGTERM');
      await done('verify', '--config', gateway.configFile);
      for (const said of [...lines, gateway.log, readFileSync(join(out, 'manifest.json'), 'utf8')]) {
        assert.ok(!said.includes(provider.secret), 'no credential is in what it says');
      }
    });
  }

  test('what is recorded on a later day opens with the root secret that was in escrow before', async (t) => {
    await using vault = await openVaultProvider();
    const own = mkdtempSync(join(tmpdir(), 'countersign-days-'));
    t.after(() => {
      rmSync(own, { recursive: true, force: true });
    });
    const data = join(own, 'data');
    const config = configOf(`root: ${vault.settings}, escrow: [${recipient}]`);
    const yesterdays = join(own, 'countersign.yaml');
    writeFileSync(yesterdays, `data: ${data}\nlisten: { http: 127.0.0.1:0, postgres: 127.0.0.1:0 }\n${config}`);
    Object.assign(process.env, vault.environment);
    {
      await using _yesterday = await Gateway.open({ configFile: yesterdays, clock: () => Date.now() - dayMs });
    }
    const yesterdaysKeys = classKeys(data);
    const escrow = join(data, 'escrow');
    const kept = join(own, 'kept');
    cpSync(escrow, kept, { recursive: true });

    await using gateway = await GatewayProcess.start({ config, data, environment: vault.environment });
    const session = await ask(gateway);
    assert.ok(classKeys(data).length > yesterdaysKeys.length, 'there are class keys of a new day');
    await gateway.signal('SIGTERM');
    vault.lose();
    rmSync(escrow, { recursive: true });
    cpSync(kept, escrow, { recursive: true });
    gateway.configure(configOf(`root: { file: ${join(own, 'new.key')} }`));
    writeFileSync(join(own, 'new.key'), rootKey, { mode: 0o600 });
    const recovered = await run(gateway, ['key', 'recover', '--identity', identity], {});
    assert.equal(recovered.status, 0, recovered.stderr);
    await gateway.start();
    const shown = await run(gateway, ['session', 'show', session], {});
    assert.match(shown.stdout, new RegExp(answered));
  });

  test('an identity of the escrow opens nothing that was erased, and with a backup of before that was not encrypted all that it has', async () => {
    await using gateway = await GatewayProcess.start({ config: configOf(`escrow: [${recipient}]`) });
    const done = (...words: readonly string[]): string => {
      const { status, stdout, stderr } = gateway.command(words);
      assert.equal(status, 0, stdout + stderr);
      return stdout;
    };
    const session = await ask(gateway);
    const out = join(gateway.directory, 'backup');
    done('backup', '--out', out);
    await gateway.whenIndexed();
    done('erase', '--query', `session:${session}`, '--reason', 'a test', '--yes');
    const said = 'root secrets in escrow, up to number 1: they hold none of these keys, and open those in the backups';
    assert.ok(readFileSync(gateway.segment()).includes(said), 'the record of the erasure says so in public');
    await gateway.signal('SIGTERM');
    const recover = async (): Promise<string> => {
      rmSync(join(gateway.data, 'root.key'), { force: true });
      done('key', 'recover', '--identity', identity);
      await gateway.start();
      return done('session', 'show', session);
    };
    assert.doesNotMatch(await recover(), new RegExp(answered));
    await gateway.signal('SIGTERM');
    rmSync(gateway.data, { recursive: true });
    done('restore', out, '--data', gateway.data);
    assert.match(await recover(), new RegExp(answered));
  });
});

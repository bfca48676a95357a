import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { kmsArn, openKms, openVault, vaultToken, type KeyServer } from '../../../../tests/support/key-servers.ts';
import { requireProgram } from '../../../../tests/support/require-program.ts';
import { makeSoftToken, softTokenPrograms } from '../../../../tests/support/soft-token.ts';
import { s3Environment } from '../../archive/testdata/s3-server.ts';
import { defaultKeys, type RootSettings, type RootSource } from '../../domain/root-settings.ts';
import { recoverRoot } from '../../offline/recover-root.ts';
import { KeyStore } from '../key-store.ts';
import { openStore } from '../open-store.ts';
import { execute, temporaryDirectory } from '../testdata/kept-recording.ts';
import { readEscrow, writeEscrow } from './escrow.ts';
import { openProvider, openRoot } from './open-root.ts';
import type { RootProvider } from './provider.ts';

const environment = { ...process.env, ...s3Environment, TOKEN: vaultToken, OTHER: 'wrong', ROOT: randomBytes(32).toString('hex') };

function vaultSettings({ url }: KeyServer): Extract<RootSettings, { kind: 'vault' }> {
  return { kind: 'vault', url: `${url}/v1/transit/keys/countersign`, token: { env: 'TOKEN' }, caFile: null };
}

function kmsSettings({ url }: KeyServer): RootSettings {
  const key = { accessKeyId: { env: 'AWS_ACCESS_KEY_ID' }, secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' }, sessionToken: null };
  return { kind: 'aws-kms', arn: kmsArn, region: 'eu-central-1', endpoint: url, caFile: null, ...key };
}

async function open(settings: RootSettings, variables: NodeJS.ProcessEnv = environment): Promise<RootProvider> {
  return openProvider(settings, { data: '', environment: variables, isNew: false, now: Date.now });
}

/** Checks what every provider promises. */
async function keepPromises(provider: RootProvider): Promise<void> {
  const secret = randomBytes(32);
  const wrapped = await provider.wrap(secret);
  assert.ok(!Buffer.from(wrapped).includes(secret));
  assert.deepEqual(await provider.unwrap(wrapped), secret);
  assert.notDeepEqual(await provider.wrap(secret), wrapped);
  const changed = Uint8Array.from(wrapped);
  changed.set([(changed.at(-5) ?? 0) ^ 1], changed.length - 5);
  await assert.rejects(provider.unwrap(changed), { code: 'key_unavailable' });
}

test('a key of this machine, of Vault and of AWS KMS wraps a root secret; who refuses is an error that says so and holds no credential', async () => {
  await keepPromises(await open({ kind: 'local', key: { env: 'ROOT' } }));
  await using vault = await openVault();
  await using kms = await openKms();
  for (const [server, settings] of [[vault, vaultSettings(vault)] as const, [kms, kmsSettings(kms)] as const]) {
    const provider = await open(settings);
    await keepPromises(provider);
    server.isWilling = false;
    await assert.rejects(
      provider.wrap(randomBytes(32)),
      /does not give the root key: it answers with the status 403: .*the key is disabled.*Check that the key is there/,
    );
    server.isWilling = true;
  }
  const wrong = await open({ ...vaultSettings(vault), token: { env: 'OTHER' } });
  await assert.rejects(wrong.wrap(randomBytes(32)), ({ message }: Error) => /permission denied/.test(message) && !message.includes('wrong'));
  await assert.rejects((await open(kmsSettings(kms), { ...environment, AWS_SECRET_ACCESS_KEY: 'other' })).wrap(randomBytes(32)), /InvalidSignatureException/);
  await vault[Symbol.asyncDispose]();
  await assert.rejects((await open(vaultSettings(vault))).wrap(randomBytes(32)), { code: 'key_unavailable' });
});

test('an AES key in a token that speaks PKCS#11 wraps a root secret', requireProgram(...softTokenPrograms), async (t) => {
  const { environment: ofToken, ...made } = makeSoftToken(temporaryDirectory(t));
  const variables = { ...environment, ...ofToken };
  const settings = { kind: 'pkcs11', ...made, pin: { env: 'PIN' } } as const;
  await keepPromises(await open(settings, variables));
  for (const [wrong, message] of [
    [{ ...settings, key: '0b' }, /pkcs11-tool says: error: .*ecret key not found/],
    [{ ...settings, token: 'none' }, /No slot with token named "none" found/],
    [{ ...settings, pin: { env: 'OTHER' } }, /CKR_PIN_INCORRECT/],
  ] as const) {
    await assert.rejects((await open(wrong, variables)).wrap(randomBytes(32)), message);
  }
});

test('a root secret is put back from escrow, and a store opens by another provider if the one before is named', async (t) => {
  const data = temporaryDirectory(t);
  const identity = await generateX25519Identity();
  await using vault = await openVault();
  const source: RootSource = { keys: { ...defaultKeys, root: vaultSettings(vault) }, environment };
  {
    using keys = (await openStore(data, source, false)).keys;
    const { gatewayId } = keys.signer();
    keys.take({ class: 1, day: 30_000 }, { class: 1, day: 30_000 }, 20_000);
    await assert.rejects(writeEscrow(data, keys.escrowed(), gatewayId, ['age1x']), { code: 'config_invalid', message: /^keys\.escrow: age1x is no recipient/ });
    await writeEscrow(data, keys.escrowed(), gatewayId, [await identityToRecipient(identity)]);
  }
  const masks = await maskKey(source);
  const other = await generateX25519Identity();
  await assert.rejects(readEscrow(join(data, 'escrow', 'root-1.age'), other), /cannot be decrypted: give with --identity/);
  execute(data, 'DELETE FROM root_key');
  await assert.rejects(openRoot(data, { ...source, isNew: false }), { code: 'key_unavailable' });
  const local: RootSource = { environment: { COUNTERSIGN_ROOT_KEY: environment.ROOT } };
  assert.deepEqual((await recoverRoot(data, `# a comment\n${identity}\n`, local)).root, 1);
  assert.deepEqual(await maskKey(local), masks, 'what is derived stays');

  const back: RootSource = { keys: { ...defaultKeys, root: vaultSettings(vault), previous: { kind: 'local', key: { env: 'ROOT' } } }, environment };
  (await openStore(data, back, false)).keys[Symbol.dispose]();
  assert.deepEqual(await maskKey(source), masks);
  await assert.rejects(openRoot(data, { ...local, isNew: false }), /wrapped by vault .*and keys\.root names local .*name what wrapped it under keys\.previous/);
  rmSync(join(data, 'escrow'), { recursive: true });
  await assert.rejects(recoverRoot(data, identity, local), { code: 'not_found' });

  async function maskKey(from: RootSource): Promise<Buffer> {
    using keys = KeyStore.openReadOnly(join(data, 'keys.db'), (await openRoot(data, { ...from, isNew: false })).secret);
    return keys.maskKey('record').export();
  }
});

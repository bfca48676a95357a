import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { generateX25519Identity, identityToRecipient } from 'age-encryption';
import { parseGovernanceBody } from '@countersign/ledger/format';
import { openRecorder } from '../recording/testdata/open-recorder.ts';
import { openStore } from '../recording/open-store.ts';
import { copyStore, type CopyOrder, type CopyReport } from './copy-store.ts';
import { restoreBackup } from './restore.ts';
import { endRestoring, readRestored } from './restored.ts';

describe('a store is copied and restored', () => {
  let root: string;
  let data: string;
  let out: string;
  let identities: string;
  let recipient: string;
  let later: string;

  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'countersign-backup-'));
    data = join(root, 'data');
    out = join(root, 'out');
    mkdirSync(data);
    mkdirSync(out);
    identities = await generateX25519Identity();
    recipient = await identityToRecipient(identities);
  });
  after(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const record = async (): Promise<void> => {
    const { recorder, keys } = await openRecorder(data);
    using _keys = keys;
    await using closing = recorder;
    closing.openSession();
  };
  const copy = async (recipients: readonly string[], to = out): Promise<CopyReport> => {
    const note = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
    const gateway = note.slice('countersign/'.length, note.indexOf('\n'));
    const own = (path: string): CopyOrder['open'][number] => ({ path, file: join(data, path) });
    const secret = [own('keys.db'), ...(recipients.length === 0 ? [] : [own('root.key')])];
    return copyStore({ data, out: to, gateway, note, made: new Date(0).toISOString(), open: [own('log/key')], secret, recipients });
  };

  test('only what is new is copied, and keys are not readable any more once they are encrypted', async () => {
    await record();
    const first = await copy([]);
    assert.equal(first.copiedBytes, first.bytes);
    assert.ok(existsSync(join(out, 'keys.db')));
    await record();
    const second = await copy([recipient]);
    assert.ok(second.size > first.size && second.copiedBytes < second.bytes);
    assert.ok(existsSync(join(out, 'secret.age')) && !existsSync(join(out, 'keys.db')));
    await record();
    later = readFileSync(join(data, 'log', 'checkpoint'), 'utf8');
  });

  test('an older copy of the store does not take the place of the backup', async () => {
    const older = join(root, 'older');
    cpSync(out, older, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(older, 'manifest.json'), 'utf8'));
    writeFileSync(join(older, 'manifest.json'), JSON.stringify({ ...manifest, size: manifest.size + 1000 }));
    await assert.rejects(copy([], older), /it is an older copy/);
  });

  test('a backup that was tampered with is refused', async () => {
    const hostile = join(root, 'hostile');
    const refusal = async (spoil: (manifest: { files: { path: string; sha256: string }[] }) => void, words: RegExp): Promise<void> => {
      rmSync(hostile, { recursive: true, force: true });
      cpSync(out, hostile, { recursive: true });
      const manifest = JSON.parse(readFileSync(join(hostile, 'manifest.json'), 'utf8'));
      spoil(manifest);
      writeFileSync(join(hostile, 'manifest.json'), JSON.stringify(manifest));
      await assert.rejects(restoreBackup({ backup: hostile, data: join(root, 'spoilt'), identities }), words);
    };
    for (const path of ['../out', '/etc/x', 'log/../../out', '.hidden']) {
      await refusal(({ files }) => {
        files.forEach((file) => Object.assign(file, file.path === 'log/key' ? { path } : {}));
      }, /is no path inside of a backup/);
    }
    await refusal(({ files }) => {
      files.forEach((file) => Object.assign(file, file.path === 'log/key' ? { path: 'admin.token' } : {}));
    }, /admin\.token is no file that a backup writes/);
    await refusal(({ files }) => {
      files.forEach((file) => Object.assign(file, { sha256: '0'.repeat(64) }));
    }, /is not what was backed up/);
    await refusal(() => {
      rmSync(join(hostile, 'log'), { recursive: true });
      symlinkSync(join(out, 'log'), join(hostile, 'log'));
    }, /log is a link or no directory/);
    await refusal(() => {
      rmSync(join(hostile, 'secret.age'));
      symlinkSync(join(out, 'secret.age'), join(hostile, 'secret.age'));
    }, /is a link or no file/);
    const other = await generateX25519Identity();
    await assert.rejects(restoreBackup({ backup: out, data: join(root, 'spoilt'), identities: other }), /cannot be decrypted/);
    await assert.rejects(restoreBackup({ backup: out, data: join(root, 'spoilt'), identities: null }), /--identity/);
    await assert.rejects(restoreBackup({ backup: out, data: root, identities }), /inside|in the data directory|or around it/);
  });

  test('what is restored starts once it was verified, says so in its epoch, and is refused where the original is known to have gone on', async () => {
    const restored = join(root, 'spoilt');
    const { size } = await restoreBackup({ backup: out, data: restored, identities });
    assert.throws(() => readRestored(restored), /did not end/);
    endRestoring(restored);
    assert.equal(readRestored(restored)?.size, size);
    await assert.rejects(restoreBackup({ backup: out, data: restored, identities }), /is not empty/);
    await assert.rejects(openStore(restored, {}, false, later), /a checkpoint over \d+ was kept elsewhere/);
    await assert.rejects(openStore(restored, {}, false, 'no checkpoint'), /is no checkpoint of countersign/);
    const { end, keys } = await openStore(restored, {}, false);
    keys[Symbol.dispose]();
    assert.equal(end.size, size);
    const note = '0'.repeat(64);
    const body = JSON.stringify({ epoch: 2, software: 'x', previous: null, restored: { size, note } });
    assert.deepEqual(parseGovernanceBody('epoch', Buffer.from(body))['restored'], { size, note });
  });
});

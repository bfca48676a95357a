import { ownAttributes } from '../domain/own-attributes.ts';
import type { KeyStore } from '../recording/key-store.ts';
import { listSigners } from '../recording/public-keys.ts';
import type { Recorder } from '../recording/recorder.ts';
import { tellOnce } from '../recording/tell-once.ts';
import { printMeta } from '../sessions/meta.ts';

/** Records which root secret is in force, and what wraps it, unless that is on record: after a rotation, and after a start that changed it. Nothing is left by then of what the one before had wrapped. Rejects with what `overwriteRemains` rejects with. */
export async function recordRootKey(recorder: Recorder, keys: KeyStore): Promise<void> {
  const row = keys.rootRow;
  if (row === null || row.isTold) {
    return;
  }
  // The root secret of before may have wrapped some of it.
  await keys.overwriteRemains();
  const attributes = { [ownAttributes.rootKey]: row.id, [ownAttributes.rootKeyProvider]: row.provider };
  await tellOnce(
    recorder,
    () => recorder.append(recorder.own, { kind: 'event', meta: printMeta(0, { action: 'gateway.use_root_key', attributes }), content: [] }),
    (size) => keys.noteRootTold(size),
  );
}

/** Records which key signs the log, unless that is on record: after a rotation, also one that ended with a crash. Rejects with GatewayError `cannot_record`. */
export async function recordSigningKey(recorder: Recorder, keys: KeyStore): Promise<void> {
  const newest = keys.isSignerTold ? undefined : (await listSigners(keys)).at(-1);
  if (newest === undefined) {
    return;
  }
  const attributes = { [ownAttributes.signingKey]: newest.vkey };
  await tellOnce(
    recorder,
    () => recorder.append(recorder.own, { kind: 'event', meta: printMeta(0, { action: 'gateway.use_signing_key', attributes }), content: [] }),
    (size) => keys.noteSignerTold(size),
  );
}

import type { Recorder } from './recorder.ts';

/**
 * Records something of which the key store notes that it is on record. `note` gets the size of the log with the record, and is called before the record is committed: a start that finds a
 * shorter log takes the note back (`KeyStore.untell`). So after a crash at any point it is on record once. Resolves when the record is committed. Rejects with GatewayError `cannot_record`.
 */
export async function tellOnce(recorder: Pick<Recorder, 'size' | 'whenCommitted'>, record: () => void, note: (size: number) => void): Promise<void> {
  record();
  note(recorder.size);
  await new Promise<void>((resolve) => {
    recorder.whenCommitted('disk', resolve);
  });
}

import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { openOffline } from '../../offline/offline-store.ts';
import type { EntryDraft } from '../../recording/batch.ts';
import { openRecorder } from '../../recording/testdata/open-recorder.ts';

/**
 * Records a session with these entries after its first one, and returns the file of its bundle. A number is a pause in ms. `data` is the directory of the
 * store.
 */
export async function writeBundle(data: string, drafts: readonly (EntryDraft | number)[]): Promise<string> {
  const { recorder, keys } = await openRecorder(data);
  const track = recorder.openSession();
  for (const draft of drafts) {
    if (typeof draft === 'number') {
      await delay(draft);
    } else {
      recorder.append(track, draft);
    }
  }
  recorder.closeSession(track, 'client');
  await recorder[Symbol.asyncDispose]();
  keys[Symbol.dispose]();
  await using store = await openOffline(data, {});
  const file = join(data, `${track.id}.bundle`);
  await using handle = await open(file, 'w');
  for await (const line of store.bundle(track.id)) {
    await handle.writeFile(line);
  }
  return file;
}

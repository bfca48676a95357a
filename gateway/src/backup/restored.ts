import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { writeWholeFile } from '../store/whole-file.ts';
import { parseJson } from './manifest.ts';

const markName = 'restored';
const restoringName = 'restoring';

const markSchema = z.strictObject({
  size: z.int().min(0),
  note: z.string().regex(/^[0-9a-f]{64}$/),
});

/** The backup from which a store was restored: its number of records, and the SHA-256 of its checkpoint note, in hex. */
export type Restored = z.output<typeof markSchema>;

/** Says in a data directory that it was restored, until a start has recorded that. */
export function markRestored(data: string, restored: Restored): void {
  writeWholeFile(join(data, markName), `${JSON.stringify(restored)}\n`);
}

/** Returns the backup from which a data directory was restored since its last start; null if it was not. Throws GatewayError `store_damaged` if the restore did not end. */
export function readRestored(data: string): Restored | null {
  if (isRestoring(data)) {
    throw new GatewayError('store_damaged', `The restore into ${data} did not end, or what it restored did not hold. Run countersign restore again.`);
  }
  const file = join(data, markName);
  if (!existsSync(file)) {
    return null;
  }
  const parsed = markSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!parsed.success) {
    throw new GatewayError('store_damaged', `${file} is not as countersign restore writes it. Restore again, into another directory.`);
  }
  return parsed.data;
}

/** Returns the words by which log and `/readyz` say that a store was restored. */
export function restoredWords({ size }: Restored): string {
  return `This store was restored from a backup of ${size} records: the gateway from which it is must be stopped for good.`;
}

/** Removes the mark. To be called once the beginning of an epoch that names it is on stable storage. */
export function forgetRestored(data: string): void {
  rmSync(join(data, markName), { force: true });
}

/** True while a directory is being restored. */
export function isRestoring(data: string): boolean {
  return existsSync(join(data, restoringName));
}

export function beginRestoring(data: string): void {
  writeWholeFile(join(data, restoringName), '');
}

/** Says that what was restored is whole and holds, so that a gateway may start on it. */
export function endRestoring(data: string): void {
  rmSync(join(data, restoringName), { force: true });
}

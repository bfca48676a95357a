import { createSecretKey, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { LocalProvider } from '../root-secret/local-provider.ts';
import { readRootRow } from '../root-secret/root-rows.ts';
import { unwrapBytes } from '../wrapping.ts';

/** The root secret of a store whose root.key is in its data directory, without waiting. */
export function rootOf(data: string): KeyObject {
  const { key } = LocalProvider.readDefault(data, {}, false);
  const { row } = readRootRow(join(data, 'keys.db'));
  return row === null ? key : createSecretKey(unwrapBytes(key, 'countersign/root', row.wrapped));
}

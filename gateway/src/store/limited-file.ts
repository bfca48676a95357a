import { open } from 'node:fs/promises';
import { GatewayError } from '../domain/errors.ts';

/** Reads a file that is small, whoever wrote it. Rejects with GatewayError `store_damaged` if it is longer, and as `open` does. */
export async function readLimitedFile(path: string, bytesMax: number): Promise<Buffer> {
  await using file = await open(path);
  const { size } = await file.stat();
  if (size > bytesMax) {
    throw new GatewayError('store_damaged', `${path} has ${size} bytes, and no such file has more than ${bytesMax}: it was not written by the gateway.`);
  }
  return file.readFile();
}

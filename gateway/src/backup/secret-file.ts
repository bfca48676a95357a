import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { z } from 'zod';
import { GatewayError } from '../domain/errors.ts';
import { encryptBytes, openDecrypter } from '../store/age.ts';
import { isBackupPath, parseJson, type BackupFile } from './manifest.ts';
import { hashFile, openPlain, readSlices, writeSlices } from './slices.ts';

/** The name of the encrypted file of a backup. */
export const secretPath = 'secret.age';

const headBytesMax = 64 * 1024;
const head = z.strictObject({
  format: z.literal('countersign-secret/1'),
  files: z
    .array(z.strictObject({ path: z.string().refine(isBackupPath), bytes: z.int().min(0), sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
    .max(1000)
    .readonly(),
});

/** A file that was set aside for a backup. */
export interface SetAside {
  /** Its path in the backup. */
  readonly path: string;
  /** Where it is now. */
  readonly file: string;
}

/** Yields files as one encrypted file: a line of JSON that names them, and then their bytes. */
export async function* encryptFiles(files: readonly SetAside[], recipients: readonly string[]): AsyncGenerator<Uint8Array> {
  const named: BackupFile[] = [];
  for (const { path, file } of files) {
    await using handle = await openPlain(file);
    const { size: bytes } = await handle.stat();
    named.push({ path, bytes, sha256: await hashFile(file, bytes) });
  }
  yield* encryptBytes(plaintext(files, named), recipients);
}

async function* plaintext(files: readonly SetAside[], named: readonly BackupFile[]): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${JSON.stringify({ format: 'countersign-secret/1', files: named })}\n`);
  for (const [i, { file }] of files.entries()) {
    for await (const slice of readSlices(file, 0, named[i]?.bytes ?? 0)) {
      // The encryption may keep the bytes beyond this turn.
      yield new Uint8Array(slice);
    }
  }
}

/**
 * Decrypts the files of an encrypted file to where `place` says. Rejects with GatewayError `key_unavailable` if the identities do not open it, `malformed` if
 * what is in it is not what a backup writes.
 */
export async function decryptFiles(file: string, identities: string, place: (path: string) => string): Promise<void> {
  const decrypter = await openDecrypter(identities);
  const bytes = new Pieces(await opened(file, decrypter));
  const parsed = head.safeParse(parseJson(await bytes.line(headBytesMax)));
  if (!parsed.success) {
    throw new GatewayError('malformed', `${file} does not hold what a backup encrypts.`);
  }
  for (const { path, bytes: length, sha256 } of parsed.data.files) {
    const written = await writeSlices(place(path), bytes.take(length));
    if (written.sha256 !== sha256) {
      throw new GatewayError('malformed', `${path} in ${file} is not what was backed up.`);
    }
  }
}

async function opened(
  file: string,
  decrypter: { decrypt(file: ReadableStream<Uint8Array>): Promise<ReadableStream<Uint8Array>> },
): Promise<AsyncIterable<Uint8Array>> {
  const ciphertext = Readable.toWeb(createReadStream(file, { highWaterMark: 1024 * 1024 }));
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream of a file without an encoding has bytes
    return await decrypter.decrypt(ciphertext as ReadableStream<Uint8Array>);
  } catch (cause) {
    await ciphertext.cancel().catch(() => undefined);
    throw new GatewayError('key_unavailable', `${file} cannot be decrypted: give with --identity the file of an identity for which the backup was made.`, {
      cause,
    });
  }
}

/** Bytes that come in pieces, taken as lines and runs. */
class Pieces {
  readonly #source: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Takes a line. Rejects with GatewayError `malformed` if it is longer than `bytesMax`. */
  async line(bytesMax: number): Promise<string> {
    let text = Buffer.alloc(0);
    for (let end = -1; end < 0;) {
      await this.#fill();
      end = this.#rest.indexOf(0x0a);
      text = Buffer.concat([text, this.#rest.subarray(0, end < 0 ? this.#rest.length : end)]);
      this.#rest = this.#rest.subarray(end < 0 ? this.#rest.length : end + 1);
      if (text.length > bytesMax) {
        throw new GatewayError('malformed', 'The encrypted file of the backup does not begin with the names of its files.');
      }
    }
    return text.toString();
  }

  /** Takes exactly so many bytes. Rejects with GatewayError `malformed` if there are fewer. */
  async *take(bytes: number): AsyncGenerator<Uint8Array> {
    for (let left = bytes; left > 0;) {
      await this.#fill();
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      yield piece;
    }
  }

  async #fill(): Promise<void> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#source.next().catch((cause: unknown) => {
        throw new GatewayError('malformed', 'The encrypted file of the backup was changed or cut short.', { cause });
      });
      if (done === true) {
        throw new GatewayError('malformed', 'The encrypted file of the backup ends too early.');
      }
      this.#rest = value;
    }
  }
}

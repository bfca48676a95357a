/** The longest identification, with the lines before it that a server may send, in bytes. ssh2 takes no longer lines either, and a peer has one to say. */
const bytesMax = 16 * 1024;
const lineFeed = 10;

/**
 * Gives on what a peer sends once its identification is whole (RFC 4253, section 4.2): a line that begins with `SSH-`, after lines that do not. ssh2 loses bytes of one that
 * comes in more than two pieces.
 */
export class Identification {
  #waiting: Buffer | null = Buffer.alloc(0);

  /** Returns what may be read of these bytes and of those that waited; without bytes if nothing may. */
  take(bytes: Buffer): Buffer {
    if (this.#waiting === null) {
      return bytes;
    }
    const all = Buffer.concat([this.#waiting, bytes]);
    const isWhole = all.length > bytesMax || hasIdentification(all, Math.max(0, all.length - bytes.length));
    this.#waiting = isWhole ? null : all;
    return isWhole ? all : Buffer.alloc(0);
  }
}

/** True if a line that ends at or behind this place is an identification. */
function hasIdentification(bytes: Buffer, from: number): boolean {
  for (let end = bytes.indexOf(lineFeed, from); end >= 0; end = bytes.indexOf(lineFeed, end + 1)) {
    const start = end === 0 ? 0 : bytes.lastIndexOf(lineFeed, end - 1) + 1;
    if (bytes.toString('latin1', start, end).startsWith('SSH-')) {
      return true;
    }
  }
  return false;
}

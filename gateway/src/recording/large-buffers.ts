import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Smaller buffers do not count: V8 frees most of them early. */
const largeBytesMin = 16 * 1024;
const passedBytesMax = 8 * 1024 * 1024;

/**
 * The large buffers that a reader went through. V8 frees the memory of buffers that outlived a short time only when 64 MiB of it are garbage, in each thread. This collects garbage
 * when the buffers had 8 MiB together.
 */
export class LargeBuffers {
  #bytes = 0;
  #collect: (() => void) | null = null;

  /** Counts a buffer that is not needed any more. */
  pass(bytes: number): void {
    this.#bytes += bytes < largeBytesMin ? 0 : bytes;
    if (this.#bytes >= passedBytesMax) {
      this.collect();
    }
  }

  /** Collects garbage now. */
  collect(): void {
    this.#bytes = 0;
    this.#collect ??= findCollector();
    this.#collect();
  }
}

/** V8 gives its collector only to contexts that are made while this flag is set. */
function findCollector(): () => void {
  setFlagsFromString('--expose-gc');
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the flag defines it
    return runInNewContext('gc') as () => void;
  } finally {
    setFlagsFromString('--no-expose-gc');
  }
}

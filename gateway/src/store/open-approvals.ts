import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../domain/errors.ts';
import { systemErrorWords } from './system-error.ts';

const fileName = 'approvals.open';
/** A longer file is emptied as soon as nothing is open. */
const lengthMax = 64 * 1024;

/** An approval that was open when the gateway ended, and the request that it was for. */
interface Left {
  readonly approval: string;
  readonly session: string;
  /** `LOG/INDEX`. */
  readonly record: string;
}

/**
 * The file that names the approvals that are open, so that the next start can record that they were refused. It has a line for each that was opened or ended. It
 * survives the death of the process; a loss of power may lose its last lines, and then only that record is not made.
 */
export class OpenApprovalsFile implements Disposable {
  readonly #fd: number;
  readonly #open = new Set<string>();
  #length: number;
  /** Those that were open when the gateway ended. */
  readonly left: readonly Left[];

  /** Throws GatewayError `cannot_record` if the file cannot be opened. */
  constructor(data: string) {
    try {
      this.#fd = openSync(join(data, fileName), 'a+', 0o600);
      const text = readFileSync(this.#fd, 'utf8');
      this.#length = text.length;
      this.left = readLeft(text);
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }

  /** Forgets those that were left, once they are recorded. Nothing may be open then. */
  clear(): void {
    ftruncateSync(this.#fd, 0);
    this.#length = 0;
  }

  /** Throws GatewayError `cannot_record`. */
  add({ approval, session, record }: Left): void {
    this.#write(`+ ${approval} ${session} ${record}\n`);
    this.#open.add(approval);
  }

  /** Notes the end of an approval. If that cannot be written, the next start records once more that it ended. */
  remove(approval: string): void {
    this.#open.delete(approval);
    try {
      this.#write(`- ${approval}\n`);
      if (this.#open.size === 0 && this.#length > lengthMax) {
        this.clear();
      }
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  #write(line: string): void {
    try {
      this.#length += writeSync(this.#fd, line);
    } catch (cause) {
      throw cannotWrite(cause);
    }
  }
}

/** Reads which approvals are open at the end of the file. A last line that is not whole is left out. */
function readLeft(text: string): readonly Left[] {
  const left = new Map<string, Left>();
  for (const line of text.split('\n').slice(0, -1)) {
    const [sign, approval = '', session = '', record = ''] = line.split(' ');
    if (sign === '+') {
      left.set(approval, { approval, session, record });
    } else {
      left.delete(approval);
    }
  }
  return [...left.values()];
}

function cannotWrite(cause: unknown): GatewayError {
  return new GatewayError('cannot_record', `The file ${fileName} cannot be written: ${systemErrorWords(cause) ?? 'it is not known why'}.`, { cause });
}

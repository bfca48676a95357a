import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesDirectory } from '@countersign/gateway/api';
import { writeWholeFile } from '@countersign/gateway/store';

const readable = 0o600;
const executable = 0o700;

/** The files that clients of a run read, in a directory that only the user of this process can enter, until the run is over. */
export class RunFiles implements Disposable {
  readonly #directory: string | null;

  constructor(files: Readonly<Record<string, string>>) {
    const all = Object.entries(files);
    this.#directory = all.length === 0 ? null : mkdtempSync(join(tmpdir(), 'countersign-run-'));
    for (const [name, content] of all) {
      if (!/^[a-z_][\w.-]{0,127}$/i.test(name)) {
        throw new Error('the gateway names a file that a run may not have');
      }
      writeWholeFile(join(this.#directory ?? '', name), this.#placed(content), { mode: content.startsWith('#!') ? executable : readable });
    }
  }

  /** Returns variables in which the directory stands. */
  environment(variables: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return Object.fromEntries(Object.entries(variables).map(([name, value]) => [name, this.#placed(value)]));
  }

  [Symbol.dispose](): void {
    if (this.#directory !== null) {
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }

  #placed(text: string): string {
    return this.#directory === null ? text : text.replaceAll(filesDirectory, this.#directory);
  }
}

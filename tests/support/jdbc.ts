import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { extraCheck } from './require-program.ts';

const driver = '/usr/share/java/postgresql.jar';
const goesOn = '\tthen 1';

/** Returns the options of a test that needs JDBC. */
export function requireJdbc(): ReturnType<typeof extraCheck> {
  return extraCheck('default-jdk-headless libpostgresql-jdbc-java', '/usr/bin/javac', driver);
}

interface JdbcStatement {
  readonly user: string;
  readonly password: string;
  readonly sql: string;
  readonly parameter?: string;
  readonly format?: 'text' | 'binary';
  /** The time-out of the statement. Absent: there is none. */
  readonly seconds?: number;
}

/** Java's driver of PostgreSQL. It asks each statement on a connection of its own to the database `shop`. */
export class Jdbc implements Disposable {
  readonly #java;
  readonly #lines;

  constructor(port: number) {
    this.#java = spawn('/usr/bin/java', ['-cp', driver, join(import.meta.dirname, 'jdbc', 'Asker.java'), String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#java.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves with what became of the statement, as `Asker.java` says it. Fails if the connection does not go on. */
  async ask({ user, password, sql, parameter, format = 'text', seconds = 0 }: JdbcStatement): Promise<string> {
    this.#java.stdin.write(`${[user, password, format, seconds, sql, ...(parameter === undefined ? [] : [parameter])].join('\t')}\n`);
    const line: string = (await this.#lines.next()).value ?? assert.fail('it has ended');
    assert.ok(line.endsWith(goesOn), line);
    return line.slice(0, -goesOn.length);
  }

  /** Ends the program, which must have had no fault. */
  async end(): Promise<void> {
    this.#java.stdin.end();
    assert.deepEqual(await once(this.#java, 'exit'), [0, null]);
  }

  [Symbol.dispose](): void {
    this.#java.kill();
  }
}

import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Longest text that is read a second time, in characters, and most of its tokens. More of them may nest so deep that the parser's stack does not suffice, which costs the instance. */
const textLengthMax = 16 * 1024;
const tokensMax = 400;
/** Most instances that take the place of others. */
const instancesMax = 1_000;

/** A text as another parser reads it. */
export interface SecondReading {
  /** The word of each statement, in the parser's own terms: `Query`, `Drop`. */
  readonly statements: readonly string[];
  /** The names of tables, each with its parts. */
  readonly tables: readonly (readonly string[])[];
  /** The names of functions, each with its parts. */
  readonly functions: readonly (readonly string[])[];
}

/** The functions of the WebAssembly module that are used. */
interface Native {
  readonly initSync: (options: { readonly module: Buffer }) => unknown;
  readonly parse_sql: (dialect: string, sql: string) => unknown;
}

/** The parser of DataFusion, which knows MySQL and was not written here. Each text costs some 0.3 ms. */
export class SecondParser {
  /** The bytes of the WebAssembly. */
  readonly #module: Buffer;
  readonly #url: string;
  #native: Native | null;
  #instances = 1;

  private constructor(module: Buffer, url: string, native: Native) {
    this.#module = module;
    this.#url = url;
    this.#native = native;
  }

  /** Loads the parser. Rejects if the package is broken. */
  static async load(): Promise<SecondParser> {
    const url = import.meta.resolve('@guanmingchiu/sqlparser-ts');
    const script = new URL('../wasm/sqlparser_rs_wasm.js', url).href;
    const module = readFileSync(fileURLToPath(new URL('../wasm/sqlparser_rs_wasm_bg.wasm', url)));
    return new SecondParser(module, script, await instanceOf(module, script));
  }

  /** Reads a text. Null: it cannot be parsed, it is over a limit, or the parser is not ready. */
  read(sql: string, tokens: number): SecondReading | null {
    if (this.#native === null || sql.length > textLengthMax || tokens > tokensMax) {
      return null;
    }
    try {
      return readingOf(this.#native.parse_sql('mysql', sql));
    } catch (error) {
      // A text that exhausts the stack leaves the memory of the instance damaged (ATTACKS E54), so another one takes its place.
      if (error instanceof Error && ['RuntimeError', 'RangeError'].includes(error.name)) {
        void this.#replace();
      }
      return null;
    }
  }

  /** While there is no instance, nothing is read. */
  async #replace(): Promise<void> {
    this.#native = null;
    this.#instances += 1;
    if (this.#instances <= instancesMax) {
      this.#native = await instanceOf(this.#module, this.#url);
    }
  }
}

/** The module keeps one instance for ever, so another one needs another address. */
async function instanceOf(module: Buffer, url: string): Promise<Native> {
  const native: Native = await import(`${url}?${randomUUID()}`);
  native.initSync({ module });
  return native;
}

type Node = Readonly<Record<string, unknown>>;

function readingOf(tree: unknown): SecondReading | null {
  if (!Array.isArray(tree)) {
    return null;
  }
  const tables: (readonly string[])[] = [];
  const functions: (readonly string[])[] = [];
  const waiting: unknown[] = [tree];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (Array.isArray(node)) {
      const name = nameIn(node);
      if (name === null) {
        waiting.push(...node.filter((each) => each !== undefined && each !== null));
      }
    } else if (isNode(node)) {
      for (const [key, value] of Object.entries(node)) {
        collect(key, value, { tables, functions });
        if (typeof value === 'object' && value !== null) {
          waiting.push(value);
        }
      }
    }
  }
  const statements = tree.map((statement) => (isNode(statement) ? (Object.keys(statement)[0] ?? '') : String(statement)));
  return { statements, tables, functions };
}

function collect(
  key: string,
  value: unknown,
  { tables, functions }: { readonly tables: (readonly string[])[]; readonly functions: (readonly string[])[] },
): void {
  const add = (list: (readonly string[])[], name: unknown): void => {
    const parts = nameIn(name);
    if (parts !== null) {
      list.push(parts);
    }
  };
  const named = isNode(value) ? value['name'] : undefined;
  if (key === 'Function') {
    add(functions, named);
  } else if (key === 'Table' || key === 'Plain' || key === 'Parenthesized' || key === 'CreateTable' || key === 'AlterTable' || key === 'CreateView') {
    add(tables, named);
  } else if (key === 'TableName' || key === 'table_name') {
    add(tables, value);
  } else if ((key === 'names' || key === 'table_names' || key === 'tables') && Array.isArray(value)) {
    value.forEach((each: unknown) => {
      add(tables, isNode(each) && 'name' in each ? each['name'] : each);
    });
  }
}

/** Returns the parts of a name; null if it is none. */
function nameIn(value: unknown): readonly string[] | null {
  if (!Array.isArray(value) || value.length === 0) {
    return null;
  }
  const parts = value.map((part: unknown) => {
    const identifier = isNode(part) ? part['Identifier'] : undefined;
    return isNode(identifier) && typeof identifier['value'] === 'string' ? identifier['value'] : null;
  });
  return parts.every((part) => part !== null) ? parts : null;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

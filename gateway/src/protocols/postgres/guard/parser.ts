import type { ParseResult } from 'libpg-query';
import { isTree, list, textOf, tree, type Tree } from './tree.ts';

/** PostgreSQL's own parser, of version 18. */
export interface SqlParser {
  /** Returns the statements of a text; null if it cannot be parsed: it is no SQL, it is over a limit, or the parser is not ready. */
  statements(text: string): readonly Tree[] | null;
  /** Returns what statements have in common that differ only in their values, in hexadecimal digits; null as for `statements`. */
  fingerprint(text: string): string | null;
  /** Returns the functions of PL/pgSQL that a CREATE FUNCTION or DO defines; null if they cannot be parsed. */
  plpgsql(text: string): readonly Tree[] | null;
}

/** The functions of the WebAssembly module that are used here. Pointers are numbers. */
interface Native {
  readonly _malloc: (bytes: number) => number;
  readonly _free: (pointer: number) => void;
  readonly lengthBytesUTF8: (text: string) => number;
  readonly stringToUTF8: (text: string, pointer: number, bytes: number) => void;
  readonly UTF8ToString: (pointer: number) => string;
  readonly getValue: (pointer: number, type: 'i32') => number;
  readonly _wasm_parse_query_raw: (text: number) => number;
  readonly _wasm_free_parse_result: (result: number) => void;
  readonly _wasm_parse_plpgsql: (text: number) => number;
  readonly _wasm_fingerprint: (text: number) => number;
  readonly _wasm_free_string: (text: number) => void;
}

type MakeNative = () => Promise<Native>;

/** The module that loads the WebAssembly of the package. The package's own entry keeps one instance for ever. */
const modulePath: string = 'libpg-query/wasm/libpg-query.js';
/** Longest text that is parsed, in characters. */
const textLengthMax = 256 * 1024;
/** Most words that join conditions: the time of the parser grows with their square. */
const joinsMax = 2_000;
/** Most signs that may nest expressions. More of them may exhaust the stack of the parser, which costs the instance. */
const signsMax = 4_000;
/** A used instance is replaced after so many bytes of text, so that its memory does not grow for ever. */
const instanceTextMax = 256 * 1024 * 1024;
const structBytes = 4;

/** Loads the parser. Rejects if the package is broken. */
export async function loadParser(): Promise<SqlParser> {
  const { default: make }: { readonly default: MakeNative } = await import(modulePath);
  return new Parser(make, await make());
}

/**
 * Uses one instance of the module at a time. A text that exhausts the instance's stack leaves its memory damaged, and a damaged instance may fail for ever or
 * give wrong answers (ATTACKS E54). So it is never used again: another one takes its place, and until that is ready nothing is parsed.
 */
class Parser implements SqlParser {
  readonly #make: MakeNative;
  #native: Native | null;
  #parsedLength = 0;

  constructor(make: MakeNative, native: Native) {
    this.#make = make;
    this.#native = native;
  }

  statements(text: string): readonly Tree[] | null {
    const parsed = this.#parse(text, parseStatements);
    return parsed === null ? null : list(parsed['stmts']).map(tree);
  }

  fingerprint(text: string): string | null {
    return this.#parse(text, fingerprintOf);
  }

  plpgsql(text: string): readonly Tree[] | null {
    const parsed = this.#parse(text, parsePlpgsql);
    return parsed === null ? null : list(parsed['plpgsql_funcs']).map(tree);
  }

  #parse<Parsed>(text: string, parse: (native: Native, pointer: number) => Parsed | null): Parsed | null {
    const native = this.#native;
    // The parser reads up to the first zero character, and the target might read on.
    if (native === null || text.length > textLengthMax || text.includes('\0') || isDeep(text)) {
      return null;
    }
    this.#parsedLength += text.length;
    try {
      const bytes = native.lengthBytesUTF8(text) + 1;
      const pointer = native._malloc(bytes);
      native.stringToUTF8(text, pointer, bytes);
      const parsed = parse(native, pointer);
      native._free(pointer);
      if (this.#parsedLength > instanceTextMax) {
        this.#replace();
      }
      return parsed;
    } catch {
      this.#replace();
      return null;
    }
  }

  #replace(): void {
    this.#native = null;
    this.#parsedLength = 0;
    void this.#renew();
  }

  async #renew(): Promise<void> {
    try {
      this.#native = await this.#make();
    } catch {
      // Without an instance every text is unknown, which is safe.
    }
  }
}

/** Returns the syntax tree of a text; null if it has a syntax error. */
function parseStatements(native: Native, pointer: number): Tree | null {
  const result = native._wasm_parse_query_raw(pointer);
  const printed = native.getValue(result, 'i32');
  const error = native.getValue(result + 2 * structBytes, 'i32');
  const parsed: unknown = error === 0 && printed !== 0 ? (JSON.parse(native.UTF8ToString(printed)) satisfies ParseResult) : null;
  native._wasm_free_parse_result(result);
  return isTree(parsed) ? parsed : null;
}

/** The module returns the words of an error in place of a fingerprint. */
function fingerprintOf(native: Native, pointer: number): string | null {
  const result = native._wasm_fingerprint(pointer);
  const printed = native.UTF8ToString(result);
  native._wasm_free_string(result);
  return /^[0-9a-f]{16}$/.test(printed) ? printed : null;
}

/** Returns the functions of a text; null if they have a syntax error. The module returns the words of an error in place of JSON. */
function parsePlpgsql(native: Native, pointer: number): Tree | null {
  const result = native._wasm_parse_plpgsql(pointer);
  const printed = native.UTF8ToString(result);
  native._wasm_free_string(result);
  const parsed: unknown = printed.startsWith('{') ? JSON.parse(printed) : null;
  return isTree(parsed) && textOf(parsed['error']) === '' ? parsed : null;
}

/** Returns whether a text has more of what nests or joins expressions than the parser bears. Quoted texts do not count. */
function isDeep(text: string): boolean {
  if (text.length < Math.min(joinsMax, signsMax)) {
    return false;
  }
  let joins = 0;
  let signs = 0;
  for (const [found] of text.matchAll(/'[^']*'|"[^"]*"|\b(?:and|or)\b|\b(?:not|case|union|except|intersect|collate|at|is|join)\b|[-+*/<>=~!@#%^&|?.:([]+/gi)) {
    const first = found.charAt(0).toLowerCase();
    if (first === "'" || first === '"') {
      continue;
    }
    if (/^(?:and|or)$/i.test(found)) {
      joins += 1;
    } else if (first !== '(' || found.length > 1) {
      signs += 1;
    }
  }
  return joins > joinsMax || signs > signsMax;
}

import { hash } from 'node:crypto';
import type { JsonObject } from './messages.ts';
import { isObject } from './messages.ts';

/** Tools that are remembered for one target, and read of one list. */
const toolsMax = 2000;
const nameCharactersMax = 256;

/** What a server said of its tools in one answer. */
export interface ToolList {
  /** SHA-256, in hex, of each definition as canonical JSON. */
  readonly digests: ReadonlyMap<string, string>;
  /** The answer is not one page of several: what it does not name is not there. */
  readonly isWhole: boolean;
  /** Definitions that were past the limits, or had no name. */
  readonly unread: number;
}

/** What is remembered of the tools of one target; a tool that is gone is not forgotten. */
export type KnownTools = ReadonlyMap<string, KnownTool>;

interface KnownTool {
  readonly digest: string;
  readonly isListed: boolean;
}

export interface ToolChanges {
  readonly added: readonly string[];
  readonly changed: readonly ToolChange[];
  /** Listed before, and no more. */
  readonly gone: readonly string[];
}

interface ToolChange {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** Reads the `tools` of an answer to tools/list. A name that is there twice has one digest, of both. */
export function readToolList(tools: readonly unknown[], isWhole: boolean): ToolList {
  const digests = new Map<string, string>();
  let unread = 0;
  for (const tool of tools) {
    const name = isObject(tool) ? tool['name'] : undefined;
    if (typeof name !== 'string' || name.length > nameCharactersMax || (digests.size >= toolsMax && !digests.has(name))) {
      unread += 1;
    } else {
      digests.set(name, hash('sha256', `${digests.get(name) ?? ''}${canonicalJson(tool)}`));
    }
  }
  return { digests, isWhole, unread };
}

/**
 * Compares a list with what was known of the target, and gives what is known now. A definition that comes back changed after it was gone is a
 * change: a server may not swap one behind the back of who approved it (ATTACKS D38).
 */
export function compareTools(known: KnownTools, list: ToolList): { readonly known: KnownTools; readonly changes: ToolChanges } {
  const next = new Map(known);
  const added: string[] = [];
  const changed: ToolChange[] = [];
  for (const [name, after] of list.digests) {
    const before = known.get(name)?.digest;
    if (before === undefined) {
      added.push(name);
    } else if (before !== after) {
      changed.push({ name, before, after });
    }
    if (before !== undefined || next.size < toolsMax) {
      next.set(name, { digest: after, isListed: true });
    }
  }
  const gone = list.isWhole && list.unread === 0 ? [...known].filter(([name, { isListed }]) => isListed && !list.digests.has(name)) : [];
  for (const [name, { digest }] of gone) {
    next.set(name, { digest, isListed: false });
  }
  return { known: next, changes: { added, changed, gone: gone.map(([name]) => name) } };
}

/** Keys in order, no white space: RFC 8785 for all that JSON.parse gives. The depth of what is read is limited. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonicalJson).join()}]`;
  }
  if (isObject(value)) {
    return `{${sortedKeys(value)
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
      .join()}}`;
  }
  return JSON.stringify(value);
}

/** By UTF-16 code units, as JavaScript compares. */
function sortedKeys(object: JsonObject): string[] {
  return Object.keys(object).toSorted();
}

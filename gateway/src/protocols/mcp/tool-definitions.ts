import { hash } from 'node:crypto';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { JsonObject } from './messages.ts';
import { isObject } from './messages.ts';

/** Tools that are remembered for one target, and read of one list. */
export const toolsMax = 2000;
const nameCharactersMax = 256;
const hintNames = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];

/** The tools that a server listed in one answer. */
export interface ToolList {
  readonly tools: ReadonlyMap<string, ToolDefinition>;
  /** The answer is not one page of several: what it does not name is not there. */
  readonly isWhole: boolean;
  /** Definitions that were past the limits, or had no name. */
  readonly unread: number;
}

interface ToolDefinition {
  /** SHA-256 of the definition as canonical JSON, in hex. */
  readonly digest: string;
  /** Annotations that the server claims: `readOnlyHint=true`. */
  readonly hints: readonly string[];
}

/** The tools of one target that the gateway remembers, by name. A tool that the server lists no more is kept. */
export type KnownTools = ReadonlyMap<string, KnownTool>;

interface KnownTool extends ToolDefinition {
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
export function readToolList(definitions: readonly unknown[], isWhole: boolean): ToolList {
  const tools = new Map<string, ToolDefinition>();
  let unread = 0;
  for (const definition of definitions) {
    const name = isObject(definition) ? definition['name'] : undefined;
    if (typeof name !== 'string' || name.length > nameCharactersMax || (tools.size >= toolsMax && !tools.has(name))) {
      unread += 1;
    } else {
      const digest = hash('sha256', `${tools.get(name)?.digest ?? ''}${canonicalJson(definition)}`);
      tools.set(name, { digest, hints: isObject(definition) ? hintsOf(definition) : [] });
    }
  }
  return { tools, isWhole, unread };
}

/**
 * Compares a list with what was known of the target, and gives what is known now. A definition that comes back changed after it was gone is a
 * change: a server may not swap one behind the back of who approved it (ATTACKS D38).
 */
export function compareTools(known: KnownTools, list: ToolList): { readonly known: KnownTools; readonly changes: ToolChanges } {
  const next = new Map(known);
  const added: string[] = [];
  const changed: ToolChange[] = [];
  for (const [name, tool] of list.tools) {
    const before = known.get(name)?.digest;
    if (before === undefined) {
      added.push(name);
    } else if (before !== tool.digest) {
      changed.push({ name, before, after: tool.digest });
    }
    if (before !== undefined || next.size < toolsMax) {
      next.set(name, { ...tool, isListed: true });
    }
  }
  const gone = list.isWhole && list.unread === 0 ? [...known].filter(([name, { isListed }]) => isListed && !list.tools.has(name)) : [];
  for (const [name, tool] of gone) {
    next.set(name, { ...tool, isListed: false });
  }
  return { known: next, changes: { added, changed, gone: gone.map(([name]) => name) } };
}

/** Facts of a call beside its own: which definition it is made by, and what the server claims of it. Empty for a tool that was not listed. */
export function knownToolAttributes(known: KnownTools, name: string): Attributes {
  const tool = known.get(name);
  return tool === undefined ? {} : { [ownAttributes.toolDigest]: tool.digest, ...(tool.hints.length === 0 ? {} : { [ownAttributes.toolHints]: tool.hints }) };
}

/** https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations */
function hintsOf({ annotations }: JsonObject): string[] {
  return hintNames.flatMap((name) => {
    const value = isObject(annotations) ? annotations[name] : undefined;
    return typeof value === 'boolean' ? [`${name}=${value}`] : [];
  });
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

/** The keys of an object, sorted by UTF-16 code units, as JavaScript compares. */
function sortedKeys(object: JsonObject): string[] {
  return Object.keys(object).toSorted();
}

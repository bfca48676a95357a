import { hash } from 'node:crypto';
import { printCanonicalJson } from '../../content/canonical-json.ts';
import type { Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { JsonObject } from './messages.ts';
import { isObject } from './messages.ts';
import { effectsOfCall } from './tool-effects.ts';

/** Most tools that are remembered for one target, and that are read from one list. */
export const toolsMax = 2000;
const nameCharactersMax = 256;
const sinceMark = 'since=';
const pinnedMark = 'pinned=';
const hintNames = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'];

/** The tools that a server listed in one answer. */
export interface ToolList {
  readonly tools: ReadonlyMap<string, ToolDefinition>;
  /** True if the answer is not one page of several: tools that it does not name do not exist. */
  readonly isWhole: boolean;
  /** Number of definitions that exceeded a limit or had no name. */
  readonly unread: number;
}

interface ToolDefinition {
  /** The SHA-256 of the definition as canonical JSON, in hex. */
  readonly digest: string;
  /** The annotations that the server claims, such as `readOnlyHint=true`. */
  readonly hints: readonly string[];
}

/** The tools of one target that the gateway remembers, by name. A tool that the server no longer lists is kept. */
export type KnownTools = ReadonlyMap<string, KnownTool>;

interface KnownTool extends ToolDefinition {
  readonly isListed: boolean;
  /** Milliseconds since 1970 at which this definition was first seen; null if that is not known. */
  readonly sinceMs: number | null;
  /** The digest of the definition that was pinned; null if none was. */
  readonly pinned: string | null;
}

export interface ToolChanges {
  readonly added: readonly string[];
  readonly changed: readonly ToolChange[];
  /** The tools that were listed before and are not any more. */
  readonly gone: readonly string[];
}

interface ToolChange {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** Reads the `tools` of an answer to tools/list. If a name occurs twice, it has one digest over both definitions, and no claims count. */
export function readToolList(definitions: readonly unknown[], isWhole: boolean): ToolList {
  const tools = new Map<string, ToolDefinition>();
  let unread = 0;
  for (const definition of definitions) {
    const name = isObject(definition) ? definition['name'] : undefined;
    if (typeof name !== 'string' || name.length > nameCharactersMax || (tools.size >= toolsMax && !tools.has(name))) {
      unread += 1;
    } else {
      const before = tools.get(name);
      const digest = hash('sha256', `${before?.digest ?? ''}${printCanonicalJson(definition)}`);
      tools.set(name, { digest, hints: isObject(definition) && before === undefined ? hintsOf(definition) : [] });
    }
  }
  return { tools, isWhole, unread };
}

/**
 * Compares a list with the known tools of the target, and returns the tools that are known now. A definition that disappears and comes back changed counts as a
 * change: a server may not replace one without the knowledge of those who approved it (ATTACKS D38).
 */
export function compareTools(known: KnownTools, list: ToolList, nowMs: number): { readonly known: KnownTools; readonly changes: ToolChanges } {
  const next = new Map(known);
  const added: string[] = [];
  const changed: ToolChange[] = [];
  for (const [name, tool] of list.tools) {
    const before = known.get(name);
    if (before === undefined) {
      added.push(name);
    } else if (before.digest !== tool.digest) {
      changed.push({ name, before: before.digest, after: tool.digest });
    }
    if (before !== undefined || next.size < toolsMax) {
      const sinceMs = before?.digest === tool.digest ? before.sinceMs : nowMs;
      next.set(name, { ...tool, isListed: true, sinceMs, pinned: before?.pinned ?? null });
    }
  }
  const gone = list.isWhole && list.unread === 0 ? [...known].filter(([name, { isListed }]) => isListed && !list.tools.has(name)) : [];
  for (const [name, tool] of gone) {
    next.set(name, { ...tool, isListed: false });
  }
  return { known: next, changes: { added, changed, gone: gone.map(([name]) => name) } };
}

/** Returns further facts of a call: its effects, the digest of the tool's definition, and the server's claims about it. */
export function knownToolAttributes(known: KnownTools, name: string, areArgumentsSeen: boolean): Attributes {
  const tool = known.get(name);
  return {
    [ownAttributes.effects]: effectsOfCall(tool?.hints ?? null, areArgumentsSeen),
    ...(tool === undefined ? {} : { [ownAttributes.toolDigest]: tool.digest }),
    ...(tool === undefined || tool.hints.length === 0 ? {} : { [ownAttributes.toolHints]: tool.hints }),
    ...(tool === undefined || tool.pinned === null ? {} : { [tool.pinned === tool.digest ? ownAttributes.toolPinned : ownAttributes.toolChanged]: true }),
  };
}

/** Prints what is remembered of a tool as one word: `DIGEST`, and after commas what the target claims, when the definition was first seen and what was pinned. */
export function printTool({ digest, hints, sinceMs, pinned }: KnownTool): string {
  return [digest, ...hints, ...(sinceMs === null ? [] : [`${sinceMark}${sinceMs}`]), ...(pinned === null ? [] : [`${pinnedMark}${pinned}`])].join();
}

/** Reads a tool that `printTool` printed. */
export function toldTool(word: string): KnownTool {
  const [digest = '', ...more] = word.split(',');
  const after = (mark: string): string | undefined => more.find((each) => each.startsWith(mark))?.slice(mark.length);
  const since = after(sinceMark);
  return {
    digest,
    hints: more.filter((each) => !each.startsWith(sinceMark) && !each.startsWith(pinnedMark)),
    isListed: true,
    sinceMs: since === undefined ? null : Number(since),
    pinned: after(pinnedMark) ?? null,
  };
}

/** Returns the annotations (https://modelcontextprotocol.io/specification/2025-11-25/schema#toolannotations). */
function hintsOf({ annotations }: JsonObject): string[] {
  return hintNames.flatMap((name) => {
    const value = isObject(annotations) ? annotations[name] : undefined;
    return typeof value === 'boolean' ? [`${name}=${value}`] : [];
  });
}

import type { Action, Attributes } from '../../domain/action.ts';
import { ownAttributes } from '../../domain/own-attributes.ts';
import type { Pins, SeenTool } from '../../domain/pins.ts';
import { inRecords } from '../../domain/record.ts';
import type { TargetNote } from '../../domain/service.ts';
import type { Note } from '../../exchange/reading.ts';
import { compareTools, knownToolAttributes, printTool, toldTool, toolsMax, type KnownTools, type ToolList } from './tool-definitions.ts';

/** Most targets whose tools are remembered, more than any configuration has. The least recently used one is forgotten. */
const targetsMax = 1_000;

/**
 * Remembers the tools that targets listed. New tools are recorded, and the next start recalls them from the record, so that a changed definition is also
 * noticed after a restart.
 */
export class ToolsOfTargets implements Pins {
  readonly #now: () => number;
  readonly #known = new Map<string, KnownTools>();

  /** `now` returns milliseconds since 1970. */
  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes what was recorded last of each tool. */
  recall(told: readonly TargetNote[]): void {
    for (const [target, tools] of Map.groupBy(told, (each) => each.target)) {
      this.#keep(target, new Map(tools.slice(0, toolsMax).map(({ key, value }) => [key, toldTool(value)])));
    }
  }

  /** Returns the attributes of the tool that a call names: its effects, the digest of its definition, and the hints that the server claims. Empty for an action that is no call. */
  attributesOf(target: string, { attributes }: Action): Attributes {
    const name = attributes['gen_ai.tool.name'];
    return typeof name === 'string' ? knownToolAttributes(this.#of(target), name, attributes[ownAttributes.argumentsFit] !== false) : {};
  }

  /** Compares the list in an answer with the known tools and keeps it. Returns an alert for each definition that changed (ATTACKS D38), and notes with the new digests for the record. */
  learn(target: string, list: ToolList | null): readonly Note[] {
    if (list === null) {
      return [];
    }
    const { known, changes } = compareTools(this.#of(target), list, this.#now());
    this.#keep(target, known);
    const alerts = changes.changed.map(({ name, before, after }): Note => ({
      kind: 'alert',
      action: 'mcp.tool_changed',
      attributes: { 'gen_ai.tool.name': name, [ownAttributes.toolDigestBefore]: before, [ownAttributes.toolDigestAfter]: after },
    }));
    const learned = [...changes.added, ...changes.changed.map(({ name }) => name)].flatMap((name) => {
      const tool = known.get(name);
      return tool === undefined ? [] : [`${name} ${printTool(tool)}`];
    });
    const notes = inRecords(learned).map((texts): Note => ({
      kind: 'event',
      action: 'mcp.learn_tools',
      attributes: { [ownAttributes.target]: target, [ownAttributes.told]: texts },
    }));
    return [...alerts, ...notes];
  }

  of(target: string): readonly SeenTool[] {
    return [...this.#of(target)]
      .map(([name, { digest, sinceMs, pinned }]) => ({ name, digest, sinceMs, pinned }))
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  pin(target: string, names: readonly string[], record: (told: readonly string[]) => void): void {
    const next = new Map(this.#of(target));
    const told: string[] = [];
    for (const name of names) {
      const tool = next.get(name);
      if (tool !== undefined) {
        const pinned = { ...tool, pinned: tool.digest };
        next.set(name, pinned);
        told.push(`${name} ${printTool(pinned)}`);
      }
    }
    record(told);
    this.#keep(target, next);
  }

  #of(target: string): KnownTools {
    return this.#known.get(target) ?? new Map();
  }

  #keep(target: string, known: KnownTools): void {
    this.#known.delete(target);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= targetsMax) {
      this.#known.delete(oldest);
    }
    this.#known.set(target, known);
  }
}

import type { Action, Attributes } from '../../domain/action.ts';
import { inRecords, targetAttribute, toldAttribute } from '../../domain/record.ts';
import type { Told } from '../../domain/protocol.ts';
import type { Note } from '../../wire/http/reading.ts';
import { compareTools, knownToolAttributes, toolsMax, type KnownTools, type ToolList } from './tool-definitions.ts';

/** More targets than this are nobody's configuration; the one that was asked longest ago is forgotten. */
const targetsMax = 1_000;

/**
 * What the servers behind the targets said of their tools. What is new of it is noted in the record, and told again from there at the next start, so that a
 * definition that changes across a restart is noticed.
 */
export class ToolsOfTargets {
  readonly #known = new Map<string, KnownTools>();

  /** Of each tool its digest, as it was noted last. */
  recall(told: readonly Told[]): void {
    for (const [target, tools] of Map.groupBy(told, (each) => each.target)) {
      this.#keep(target, new Map(tools.slice(0, toolsMax).map(({ key, value }) => [key, { digest: value, hints: [], isListed: true }])));
    }
  }

  /** What is known of the tool that a call is for: its definition's digest, and what the server claims of it. */
  attributesOf(target: string, action: Action): Attributes {
    const name = action.attributes['gen_ai.tool.name'];
    return typeof name === 'string' ? knownToolAttributes(this.#of(target), name) : {};
  }

  /** What an answer changes: an alert for each definition that is another than before (ATTACKS D38), and what is to be known from now on. */
  learn(target: string, list: ToolList | null): readonly Note[] {
    if (list === null) {
      return [];
    }
    const { known, changes } = compareTools(this.#of(target), list);
    this.#keep(target, known);
    const alerts = changes.changed.map(({ name, before, after }): Note => ({
      kind: 'alert',
      action: 'mcp.tool_changed',
      attributes: { 'gen_ai.tool.name': name, 'countersign.tool_digest.before': before, 'countersign.tool_digest.after': after },
    }));
    const learned = [...changes.added, ...changes.changed.map(({ name }) => name)].flatMap((name) => {
      const tool = known.get(name);
      return tool === undefined ? [] : [`${name} ${tool.digest}`];
    });
    const notes = inRecords(learned).map((texts): Note => ({
      kind: 'decision',
      action: 'mcp.learn_tools',
      attributes: { [targetAttribute]: target, [toldAttribute]: texts },
    }));
    return [...alerts, ...notes];
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

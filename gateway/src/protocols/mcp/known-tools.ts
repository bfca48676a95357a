import type { Action, Attributes } from '../../domain/action.ts';
import type { Alert } from '../../wire/http/reading.ts';
import { compareTools, knownToolAttributes, type KnownTools, type ToolList } from './tool-definitions.ts';

/** More targets than this are nobody's configuration; the one that was asked longest ago is forgotten. */
const targetsMax = 1_000;

/** What the servers behind the targets said of their tools since the gateway started. What they said before is in the record: `countersign.tool_digests`. */
export class ToolsOfTargets {
  readonly #known = new Map<string, KnownTools>();

  /** What is known of the tool that a call is for: its definition's digest, and what the server claims of it. */
  attributesOf(target: string, action: Action): Attributes {
    const name = action.attributes['gen_ai.tool.name'];
    return typeof name === 'string' ? knownToolAttributes(this.#known.get(target) ?? new Map(), name) : {};
  }

  /** What an answer changes: an alert for each definition that is another than before (ATTACKS D38). */
  learn(target: string, list: ToolList | null): readonly Alert[] {
    if (list === null) {
      return [];
    }
    const { known, changes } = compareTools(this.#known.get(target) ?? new Map(), list);
    this.#known.delete(target);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= targetsMax) {
      this.#known.delete(oldest);
    }
    this.#known.set(target, known);
    return changes.changed.map(({ name, before, after }) => ({
      action: 'mcp.tool_changed',
      attributes: { 'gen_ai.tool.name': name, 'countersign.tool_digest.before': before, 'countersign.tool_digest.after': after },
    }));
  }
}

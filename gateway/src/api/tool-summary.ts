import { z } from 'zod';
import type { SeenTool } from '../domain/pins.ts';

export const toolSummary = z
  .object({
    name: z.string(),
    digest: z.string().describe("The SHA-256 of the tool's definition in hex, as the target listed it last."),
    since: z.string().nullable().describe('When this definition was first seen; null if that is not known.'),
    pinned: z.string().nullable().describe('The digest of the definition that was pinned; null if none was.'),
    state: z.enum(['new', 'pinned', 'changed']).describe('`new`: not pinned. `changed`: the definition is not the one that was pinned.'),
  })
  .meta({ id: 'ToolSummary', description: 'A tool that a target has listed.' });

/** A tool of a target: one line of `target tools --json`. */
export type ToolSummary = Readonly<z.output<typeof toolSummary>>;

export function summarizeTool({ name, digest, sinceMs, pinned }: SeenTool): ToolSummary {
  const state = pinned === null ? 'new' : pinned === digest ? 'pinned' : 'changed';
  return { name, digest, since: sinceMs === null ? null : new Date(sinceMs).toISOString(), pinned, state };
}

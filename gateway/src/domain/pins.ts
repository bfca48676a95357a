/** A tool of a target, as the target defined it last. */
export interface SeenTool {
  readonly name: string;
  /** The SHA-256 of the definition in hex. */
  readonly digest: string;
  /** Milliseconds since 1970 at which this definition was first seen; null if that is not known. */
  readonly sinceMs: number | null;
  /** The digest of the definition that was pinned; null if none was. */
  readonly pinned: string | null;
}

/** The tools of targets, whose definitions an operator pins: a call of a tool is told apart if its definition is not the pinned one. */
export interface Pins {
  /** The tools that a target has listed, by name. */
  of(target: string): readonly SeenTool[];
  /**
   * Pins the present definitions of these tools. `record` gets what must be recorded under `countersign.told`, and throws if that is not possible: then nothing
   * is pinned.
   */
  pin(target: string, names: readonly string[], record: (told: readonly string[]) => void): void;
}

import type { Counting } from './counting.ts';
import type { Pins } from './pins.ts';
import type { Steps } from './step.ts';

/** The parts of a gateway that its protocols share. */
export interface ServiceParts {
  readonly steps: Steps;
  /** Returns 32 secret bytes of which a protocol makes the key by which its clients know the gateway. They stay the same in all starts of a gateway. */
  readonly seedOf: (protocol: string) => Uint8Array;
}

/**
 * A protocol in one gateway. It owns everything that changes while the gateway serves, and shares none of it with another gateway. It is disposed of when no
 * client is served any more.
 */
export interface Service extends Partial<AsyncDisposable> {
  /** Takes the values that were recorded under `countersign.told`: the last value for each key of each target. Called before any client is served. */
  readonly recall?: (told: readonly TargetNote[]) => void;
  /** How what its targets count is compared with the record. Absent: they count nothing. */
  readonly counting?: Counting;
  /** The tools of its targets. Absent: its targets have none. */
  readonly pins?: Pins;
}

/** A protocol together with its service in one gateway. */
export interface Served<One extends { create(parts: ServiceParts): Promise<Service> }> {
  readonly protocol: One;
  readonly service: Awaited<ReturnType<One['create']>>;
}

/** Something that a protocol learned about a target and keeps in the record, so that the next start knows it. */
export interface TargetNote {
  readonly target: string;
  readonly key: string;
  readonly value: string;
}

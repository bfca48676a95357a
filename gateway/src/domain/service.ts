import type { Steps } from './step.ts';

/** The parts of a gateway that its protocols share. */
export interface ServiceParts {
  readonly steps: Steps;
}

/** A protocol in one gateway. It owns all that changes while the gateway serves, and shares nothing of it with another gateway. Disposed of when nobody is served any more. */
export interface Service extends Partial<AsyncDisposable> {
  /** Takes over the values recorded under `countersign.told`, the last for each key of each target. Called before anything is served. */
  readonly recall?: (told: readonly Told[]) => void;
}

/** A protocol together with its service in one gateway. */
export interface Served<One extends { create(parts: ServiceParts): Service }> {
  readonly protocol: One;
  readonly service: ReturnType<One['create']>;
}

export interface Told {
  readonly target: string;
  readonly key: string;
  readonly value: string;
}

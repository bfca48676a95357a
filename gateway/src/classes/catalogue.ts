import type { Detector } from './detector.ts';
import { card } from './detectors/card.ts';
import { email } from './detectors/email.ts';

export interface ClassDescription {
  readonly name: string;
  readonly about: string;
  readonly example: string;
}

/** The detectors in the order in which they come before one another where values of several classes begin at one place and are equally long. */
export const detectors: readonly Detector[] = [email, card];

/** The classes that are there without any configuration. */
export const builtInClasses: readonly ClassDescription[] = detectors.map(({ name, about, example }) => ({ name, about, example }));

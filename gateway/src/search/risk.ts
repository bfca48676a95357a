import type { Risk } from './found.ts';
import { isOffHours, offHours, recordSigns, type RecordSign } from './session-signs.ts';

/** The facts of a session by which its risk is judged. */
export interface RiskFacts {
  /** When it began; null for a session of the gateway itself, for which every time is the same. */
  readonly openedMs: number | null;
  /** The data classes of values in its records. */
  readonly classes: readonly string[];
  /** How many records show each sign; a sign that none shows is not there. */
  readonly signs: ReadonlyMap<RecordSign, number>;
}

/** A sign that a session shows, and what it adds to the risk. */
export interface WeighedSign {
  readonly sign: RecordSign | 'off-hours';
  readonly words: string;
  readonly count: number;
  readonly weight: number;
}

const scoreMax = 100;

/** Returns the signs of a session, those with the greatest weight first. Depends on nothing but the facts. */
export function weighSigns({ openedMs, classes, signs }: RiskFacts): readonly WeighedSign[] {
  const found: WeighedSign[] = [...signs].map(([sign, count]) => {
    const { each, most, words } = recordSigns[sign];
    return { sign, words: words(count, classes), count, weight: Math.min(most, each * count) };
  });
  if (openedMs !== null && isOffHours(openedMs)) {
    found.push({ sign: 'off-hours', words: offHours.words, count: 1, weight: offHours.weight });
  }
  return found.toSorted((a, b) => b.weight - a.weight);
}

/** Returns the risk of a session with these signs: the sum of their weights, at most 100, and what each adds. */
export function riskOf(signs: readonly WeighedSign[]): Risk {
  const sum = signs.reduce((all, { weight }) => all + weight, 0);
  return { score: Math.min(scoreMax, sum), reasons: signs.map(({ words, weight }) => `${words} (+${weight})`) };
}

import type { Schemas } from '../../api/schema.ts';

type Activity = Schemas['TargetActivity'];

/** A part of the time in which there were records. */
interface Bar {
  readonly at: number;
  /** From 0 to 1. */
  readonly height: number;
  readonly level: 'low' | 'medium' | 'high';
}

const levels: Readonly<Record<string, Bar['level']>> = { a: 'low', h: 'medium', d: 'high' };
/** One record beside very many is seen too. */
const heightMin = 0.25;

/** Returns the bars of a target. Heights grow with the logarithm of the number of records, up to that of `most`; what was held or denied has the whole height, so that not the colour alone tells it. */
export function barsOf({ records, verdicts }: Activity, most: number): readonly Bar[] {
  return records.flatMap((many, at) => {
    const level = levels[verdicts[at] ?? ''];
    const height = level === 'low' ? heightMin + ((1 - heightMin) * Math.log1p(many)) / Math.log1p(most) / 1.5 : 1;
    return many === 0 || level === undefined ? [] : [{ at, height: Math.min(1, height), level }];
  });
}

/** Returns how many records there are, and what was decided on some of them. */
export function totalOf({ records, verdicts }: Activity): { readonly records: number; readonly isHeld: boolean; readonly isDenied: boolean } {
  return { records: records.reduce((sum, many) => sum + many, 0), isHeld: verdicts.includes('h'), isDenied: verdicts.includes('d') };
}

import { printTable } from './table.ts';

/** An aim that a run is compared with. */
export interface Aim {
  readonly text: string;
  readonly measured: number;
  /** The measured value is to be at most or at least this. */
  readonly most?: number;
  readonly least?: number;
}

/** Prints what was measured beside each aim, and by how much it is missed. An aim without a measured value was left out of the run. */
export function printAims(aims: readonly Aim[]): void {
  const rows = aims.filter(({ measured }) => !Number.isNaN(measured)).map((aim) => [aim.text, aim.measured.toFixed(2), verdict(aim)]);
  if (rows.length > 0) {
    console.log('');
    printTable([['aim', 'measured', 'verdict'], ...rows]);
  }
}

function verdict({ measured, most = Number.POSITIVE_INFINITY, least = Number.NEGATIVE_INFINITY }: Aim): string {
  if (measured <= most && measured >= least) {
    return 'reached';
  }
  const limit = measured > most ? most : least;
  return `missed by ${((Math.abs(measured - limit) / limit) * 100).toFixed(0)} %`;
}

import { Link, type LinkProps } from '@tanstack/react-router';
import type { ReactNode } from 'react';

interface TileProps {
  readonly to: NonNullable<LinkProps['to']>;
  readonly search?: { readonly query: string };
  readonly name: string;
  readonly value: string;
  readonly level: 'low' | 'medium' | 'high';
}

/** A count that leads to what was counted. */
export function Tile({ name, value, level, to, search }: TileProps): ReactNode {
  return (
    <li>
      <Link {...{ to, ...(search === undefined ? {} : { search }) }}>
        <strong className={level}>{value}</strong> {name}
      </Link>
    </li>
  );
}

/** Returns a count as it is shown: `…` until there is an answer, `–` if there was an error. */
export function shownCount(answer: unknown, error: Error | null, count: number): string {
  return error !== null ? '–' : answer === undefined ? '…' : count.toLocaleString('en');
}

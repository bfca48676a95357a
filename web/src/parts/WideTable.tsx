import type { ReactNode } from 'react';

interface WideTableProps {
  /** The titles of the columns by their names, in order. */
  readonly columns: Readonly<Record<string, string>>;
  /** The name of a column of numbers. */
  readonly number?: string;
  /** The rows. */
  readonly children: ReactNode;
}

/** A table that is moved sideways by itself where the page is narrow. */
export function WideTable({ columns, number, children }: WideTableProps): ReactNode {
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            {Object.entries(columns).map(([name, title]) => (
              <th key={name} className={name === number ? 'number' : undefined}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

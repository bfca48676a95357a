import { useState, type ReactNode } from 'react';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import type { Table } from './joined-tables.ts';

/** So many rows are shown before somebody asks for more. */
const rowsShown = 50;

/** Rows that a target answered. */
export function RowsTable({ table: { columns, rows } }: { readonly table: Table }): ReactNode {
  const [limit, setLimit] = useState(rowsShown);
  return (
    <div className="wide">
      <table className="rows">
        {columns !== null && (
          <thead>
            <tr>
              {columns.map((name, at) => (
                <th key={at}>
                  <Recorded text={name} />
                </th>
              ))}
            </tr>
          </thead>
        )}
        <tbody>
          {rows.slice(0, limit).map((cells, at) => (
            <tr key={at}>
              {cells.map((cell, place) => (
                <td key={place}>
                  <Recorded text={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="quiet">
        {texts.session.rows(rows.length)}{' '}
        {rows.length > limit && (
          <button type="button" onClick={() => setLimit(limit * 4)}>
            {texts.state.hidden(rows.length - limit)}
          </button>
        )}
      </p>
    </div>
  );
}

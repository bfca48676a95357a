import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';

type Class = Schemas['KeepingClass'];

/** The classes of keeping: for how long each keeps, and how much is kept under it. */
export function ClassTable({ of }: { readonly of: readonly Class[] }): ReactNode {
  const { columns, known, secrets, time } = texts.retention;
  return (
    <div className="wide" role="region" aria-label={texts.retention.title} tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>{columns.class}</th>
            <th>{columns.contents}</th>
            <th>{columns.facts}</th>
            <th>{columns.floor}</th>
            <th>{columns.kept}</th>
            <th>{columns.until}</th>
          </tr>
        </thead>
        <tbody>
          {of.map(({ class: number, query, inForce, known: knownWhen, keeps, kept }) => (
            <tr key={number}>
              <td>
                <ClassName of={number} query={query} inForce={inForce} /> {knownWhen === 'later' && <span className="mark live">{known.later}</span>}
              </td>
              <td>{keeps !== null && time(keeps.content)}</td>
              <td>{keeps !== null && time(keeps.facts)}</td>
              <td>{keeps !== null && keeps.floor !== null && time(keeps.floor)}</td>
              <td>{secrets(kept)}</td>
              <td>
                <Until of={kept} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Holds have the numbers from this one on. */
const firstHold = 32_768;

interface ClassNameProps {
  readonly of: number;
  readonly query: string | null;
  readonly inForce?: boolean;
}

/** The query of a class of a rule, or what else the class is. */
export function ClassName({ of, query, inForce = true }: ClassNameProps): ReactNode {
  const { names } = texts.retention;
  return query !== null ? (
    <code>
      <Recorded text={query} />
    </code>
  ) : (
    <em>{of >= firstHold ? names.hold : of === 1 && inForce ? names.default : names.before(of)}</em>
  );
}

function Until({ of: { firstDay, lastDay, isForEver } }: { readonly of: Class['kept'] }): ReactNode {
  const days = [...new Set([firstDay, lastDay])].filter((day) => day !== null);
  return [...(days.length === 0 ? [] : [days.join(' – ')]), ...(isForEver ? [texts.retention.forEver] : [])].join(', ');
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { FilterField } from '../../parts/FilterField.tsx';
import { hasWords } from '../../parts/has-words.ts';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { addressOf, tagsOf } from './target-texts.ts';

/** The systems behind the gateway. */
export function TargetsPage(): ReactNode {
  const targets = useQuery(asked('GET /api/v1/targets'));
  const [filter, setFilter] = useState('');
  return (
    <>
      <PageTitle text={texts.targets.title} />
      <Loaded of={targets}>
        {(all) => {
          const shown = all.filter((target) => hasWords(filter, target.name, target.protocol, addressOf(target), ...tagsOf(target)));
          return (
            <>
              {all.length > 0 && <FilterField label={texts.targets.filter} value={filter} onChange={setFilter} />}
              {shown.length > 0 && <TargetTable of={shown} />}
              {shown.length === 0 && <p role="status">{all.length === 0 ? texts.targets.none : texts.targets.noneSo}</p>}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

function TargetTable({ of }: { readonly of: readonly Schemas['TargetSummary'][] }): ReactNode {
  const { columns, mode, durability } = texts.targets;
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            <th>{columns.name}</th>
            <th>{columns.protocol}</th>
            <th>{columns.address}</th>
            <th>{columns.tags}</th>
            <th>{columns.inspect}</th>
            <th>{columns.durability}</th>
            <th>{columns.mode}</th>
          </tr>
        </thead>
        <tbody>
          {of.map((target) => (
            <tr key={target.name}>
              <td>
                <Link to="/targets/$target" params={{ target: target.name }}>
                  <Recorded text={target.name} />
                </Link>
              </td>
              <td>{target.protocol}</td>
              <td>
                <code>
                  <Recorded text={addressOf(target)} />
                </code>
              </td>
              <td className="strip">
                {tagsOf(target).map((tag) => (
                  <span key={tag} className="mark">
                    <Recorded text={tag} />
                  </span>
                ))}
              </td>
              <td>{target.inspect.join(', ')}</td>
              <td>{durability[target.durability]}</td>
              <td>{target.mode === 'observe' ? <span className="mark medium">{mode.observe}</span> : mode.enforce}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { FilteredList } from '../../parts/FilteredList.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { WideTable } from '../../parts/WideTable.tsx';
import { texts } from '../../texts.ts';
import { addressOf, tagsOf } from './target-texts.ts';

/** The systems behind the gateway. */
export function TargetsPage(): ReactNode {
  const targets = useQuery(asked('GET /api/v1/targets'));
  return (
    <>
      <PageTitle text={texts.targets.title} />
      <Loaded of={targets}>
        {(all) => (
          <FilteredList of={all} words={texts.targets} textsOf={(target) => [target.name, target.protocol, addressOf(target), ...tagsOf(target)]}>
            {(shown) => <TargetTable of={shown} />}
          </FilteredList>
        )}
      </Loaded>
    </>
  );
}

function TargetTable({ of }: { readonly of: readonly Schemas['TargetSummary'][] }): ReactNode {
  const { columns, mode, durability } = texts.targets;
  return (
    <WideTable columns={columns}>
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
    </WideTable>
  );
}

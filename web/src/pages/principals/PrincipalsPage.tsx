import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useLive } from '../../api/use-live.ts';
import { FilteredList } from '../../parts/FilteredList.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { WideTable } from '../../parts/WideTable.tsx';
import { texts } from '../../texts.ts';

/** All principals of the configuration, and the way to those of issuers. */
export function PrincipalsPage(): ReactNode {
  const principals = useLive('GET /api/v1/principals');
  const { data: issuers = [] } = useQuery(asked('GET /api/v1/issuers'));
  return (
    <>
      <PageTitle text={texts.principals.title} />
      <Loaded of={principals}>
        {(all) => (
          <FilteredList of={all} words={texts.principals} textsOf={({ id, kind, groups, roles }) => [id, kind ?? '', ...groups, ...roles]}>
            {(shown) => <PrincipalTable of={shown} />}
          </FilteredList>
        )}
      </Loaded>
      {issuers.length > 0 && <IssuedForm />}
    </>
  );
}

function PrincipalTable({ of }: { readonly of: readonly Schemas['Principal'][] }): ReactNode {
  return (
    <WideTable columns={texts.principals.columns} number="open">
      {of.map(({ id, kind, groups, roles, targets, openSessions, suspended }) => (
        <tr key={id}>
          <td>
            <Link to="/principals/$principal" params={{ principal: id }}>
              <Recorded text={id} />
            </Link>{' '}
            {suspended !== null && <span className="mark high">{texts.principals.suspended}</span>}
          </td>
          <td>{kind !== null && texts.principals.kind[kind]}</td>
          <td>{groups.join(', ')}</td>
          <td>{roles.join(', ')}</td>
          <td>{targets.join(', ')}</td>
          <td className="number">{openSessions === 0 ? '' : openSessions.toLocaleString('en')}</td>
        </tr>
      ))}
    </WideTable>
  );
}

/** Leads to somebody whom no list has. */
function IssuedForm(): ReactNode {
  const { issued } = texts.principals;
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const [groups, setGroups] = useState('');
  return (
    <>
      <h2>{issued.title}</h2>
      <p className="quiet">{issued.what}</p>
      <form
        className="note"
        onSubmit={(event) => {
          event.preventDefault();
          void navigate({ to: '/principals/$principal', params: { principal: name.trim() }, search: groups.trim() === '' ? {} : { groups: groups.trim() } });
        }}
      >
        <label>
          {issued.name}
          <input value={name} required maxLength={256} placeholder={issued.example} onChange={({ target }) => setName(target.value)} />
        </label>
        <label>
          {issued.groups}
          <input value={groups} maxLength={4000} onChange={({ target }) => setGroups(target.value)} />
        </label>
        <button type="submit">{issued.show}</button>
      </form>
    </>
  );
}

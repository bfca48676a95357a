import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { Failure } from '../../parts/Failure.tsx';
import { FilterField } from '../../parts/FilterField.tsx';
import { hasWords } from '../../parts/has-words.ts';
import { Later } from '../../parts/Later.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { WideTable } from '../../parts/WideTable.tsx';
import { texts } from '../../texts.ts';
import { NewToken } from './NewToken.tsx';
import { stateOf } from './token-state.ts';
import './tokens.css';

/** The tokens of principals, the newest first; one is made here, and shown once. */
export function TokensPage(): ReactNode {
  const { principal = '' } = useSearch({ from: '/administration/tokens' });
  const tokens = useQuery(asked('GET /api/v1/tokens'));
  const [filter, setFilter] = useState(principal);
  const [showsEnded, showEnded] = useState(false);
  return (
    <>
      <PageTitle text={texts.tokens.title} />
      <NewToken principal={principal} />
      <Loaded of={tokens}>
        {(all) => {
          const found = all.toReversed().filter(({ id, principal: of, onBehalfOf }) => hasWords(filter, id, of, onBehalfOf ?? ''));
          const shown = showsEnded ? found : found.filter((token) => stateOf(token, Date.now()) === 'valid');
          const ended = found.length - shown.length;
          return (
            <>
              {all.length > 0 && <FilterField label={texts.tokens.filter} value={filter} onChange={setFilter} />}
              {shown.length > 0 && <TokenTable of={shown} />}
              {shown.length === 0 && <p role="status">{filter === '' ? texts.tokens.none : texts.tokens.noneSo}</p>}
              {ended > 0 && (
                <button type="button" onClick={() => showEnded(true)}>
                  {texts.tokens.ended(ended)}
                </button>
              )}
            </>
          );
        }}
      </Loaded>
    </>
  );
}

const levels = { valid: 'low', revoked: 'high', expired: '' } as const;

function TokenTable({ of }: { readonly of: readonly Schemas['TokenSummary'][] }): ReactNode {
  const revoke = useAct('DELETE /api/v1/tokens/{token}');
  const { columns, state: states } = texts.tokens;
  return (
    <>
      {revoke.error !== null && <Failure error={revoke.error} />}
      <WideTable columns={columns}>
        {of.map((token) => {
          const { id, principal, onBehalfOf, created, expires } = token;
          const state = stateOf(token, Date.now());
          return (
            <tr key={id}>
              <td>
                <Link to="/principals/$principal" params={{ principal }}>
                  <Recorded text={principal} />
                </Link>
              </td>
              <td>{onBehalfOf !== null && <Recorded text={onBehalfOf} />}</td>
              <td>
                <code>{id}</code>
              </td>
              <td>
                <Time of={created} />
              </td>
              <td>
                <Time of={expires} />
              </td>
              <td>
                <span className={`mark ${levels[state]}`}>{states[state]}</span>
              </td>
              <td>
                {state === 'valid' && (
                  <Later summary={texts.tokens.revoke}>
                    <button
                      type="button"
                      aria-label={`${texts.tokens.revokeNow}: ${id}`}
                      disabled={revoke.isPending}
                      onClick={() => revoke.mutate({ path: { token: id } })}
                    >
                      {texts.tokens.revokeNow}
                    </button>
                  </Later>
                )}
              </td>
            </tr>
          );
        })}
      </WideTable>
    </>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { CopyText } from '../../parts/CopyText.tsx';
import { Failure } from '../../parts/Failure.tsx';
import { Later } from '../../parts/Later.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { WideTable } from '../../parts/WideTable.tsx';
import { texts } from '../../texts.ts';

/** The local administrators with their passkeys. The operator may invite another. */
export function Passkeys(): ReactNode {
  const passkeys = useQuery(asked('GET /api/v1/passkeys'));
  const { data: caller } = useQuery(asked('GET /api/v1/whoami'));
  const { title, what, none, operatorAlone } = texts.settings.passkeys;
  return (
    <>
      <h2>{title}</h2>
      <p className="quiet">{what}</p>
      <Loaded of={passkeys}>{(all) => (all.length === 0 ? <p role="status">{none}</p> : <PasskeyTable of={all} />)}</Loaded>
      {caller?.kind === null ? <Invitation /> : <p className="quiet">{operatorAlone}</p>}
    </>
  );
}

function PasskeyTable({ of }: { readonly of: readonly Schemas['Passkey'][] }): ReactNode {
  const remove = useAct('DELETE /api/v1/passkeys/{passkey}');
  const { columns, never, remove: ask, removeNow } = texts.settings.passkeys;
  return (
    <>
      {remove.error !== null && <Failure error={remove.error} />}
      <WideTable columns={columns}>
        {of.map(({ id, principal, created, used }) => (
          <tr key={id}>
            <td>
              <Recorded text={principal} />
            </td>
            <td>
              <code title={id}>{id.slice(0, 22)}</code>
            </td>
            <td>
              <Time of={created} />
            </td>
            <td>{used === null ? never : <Time of={used} />}</td>
            <td>
              <Later summary={ask}>
                <button
                  type="button"
                  aria-label={`${removeNow}: ${principal}`}
                  disabled={remove.isPending}
                  onClick={() => remove.mutate({ path: { passkey: id } })}
                >
                  {removeNow}
                </button>
              </Later>
            </td>
          </tr>
        ))}
      </WideTable>
    </>
  );
}

function Invitation(): ReactNode {
  const invite = useAct('POST /api/v1/passkeys/invitations');
  const { name, invite: button, invited } = texts.settings.passkeys;
  return (
    <>
      {invite.error !== null && <Failure error={invite.error} />}
      {invite.data !== undefined && (
        <>
          <p>{invited(invite.data.principal)}</p>
          <CopyText text={invite.data.link} />
        </>
      )}
      <NoteForm label={name} button={button} isBusy={invite.isPending} onSend={(who) => invite.mutate({ body: { name: who } })} />
    </>
  );
}

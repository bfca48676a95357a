import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { useAct } from '../../api/use-act.ts';
import { useLines } from '../../api/use-lines.ts';
import { useLive } from '../../api/use-live.ts';
import { AccessView } from '../../parts/AccessView.tsx';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NoteForm } from '../../parts/NoteForm.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';

/** One principal: who it is, whether it is let in, and what it may reach. */
export function PrincipalPage(): ReactNode {
  const { principal } = useParams({ from: '/administration/principals/$principal' });
  const { groups } = useSearch({ from: '/administration/principals/$principal' });
  const principals = useLive('GET /api/v1/principals');
  const access = useLines('GET /api/v1/principals/{principal}/access', { path: { principal }, query: { groups } });
  const navigate = useNavigate();
  // No principal of the configuration has a slash in its name.
  const isOfIssuer = principal.includes('/');
  return (
    <>
      <PageTitle text={principal}>
        <Recorded text={principal} />
      </PageTitle>
      <Loaded of={principals}>
        {(all) => {
          const found = all.find(({ id }) => id === principal);
          return (
            <>
              <Facts of={principal} found={found} groups={groups ?? found?.groups.join(', ') ?? access.lines[0]?.groups.join(', ') ?? ''} />
              <Suspension principal={principal} suspended={found?.suspended ?? null} />
            </>
          );
        }}
      </Loaded>
      <h2>{texts.access.of}</h2>
      {isOfIssuer && (
        <NoteForm
          label={texts.principals.groupsGiven}
          button={texts.principals.count}
          isOptional
          isBusy={false}
          onSend={(given) => void navigate({ to: '/principals/$principal', params: { principal }, search: given === '' ? {} : { groups: given } })}
        />
      )}
      <AccessView of={access} by="target" />
    </>
  );
}

interface FactsProps {
  readonly of: string;
  readonly found: Schemas['Principal'] | undefined;
  readonly groups: string;
}

function Facts({ of, found, groups }: FactsProps): ReactNode {
  const { facts, kind, noGroups, open, allSessions, list } = texts.principals;
  const rows = [
    ...(found?.kind === undefined || found.kind === null ? [] : [[facts.kind, kind[found.kind]] as const]),
    [facts.groups, groups === '' ? noGroups : <Recorded text={groups} />] as const,
    ...(found === undefined
      ? []
      : [[facts.roles, found.roles.join(', ') || noGroups] as const, [facts.granted, found.targets.join(', ') || noGroups] as const]),
    [
      facts.sessions,
      <Link key="sessions" to="/sessions" search={{ query: `principal:${JSON.stringify(of)}` }}>
        {found === undefined ? allSessions : open(found.openSessions)}
      </Link>,
    ] as const,
    [
      facts.tokens,
      <Link key="tokens" to="/tokens" search={{ principal: of }}>
        {list}
      </Link>,
    ] as const,
  ];
  return (
    <dl className="facts-list">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Says whether a principal is suspended, and lets who administers change it. */
function Suspension({ principal, suspended }: { readonly principal: string; readonly suspended: Schemas['Principal']['suspended'] }): ReactNode {
  const suspend = useAct('POST /api/v1/principals/{principal}/suspend');
  const resume = useAct('POST /api/v1/principals/{principal}/resume');
  const act = suspended === null ? suspend : resume;
  const fault = suspend.error ?? resume.error;
  return (
    <div className="decision">
      {suspended !== null && (
        <p>
          <span className="mark high">{texts.principals.suspended}</span> <Recorded text={texts.principals.suspendedBy(suspended.by, suspended.reason)} />{' '}
          <Time of={suspended.since} />
        </p>
      )}
      {fault !== null && <Failure error={fault} />}
      <NoteForm
        key={String(suspended === null)}
        label={texts.principals.reason}
        button={suspended === null ? texts.principals.suspend : texts.principals.resume}
        isOptional={suspended !== null}
        isBusy={act.isPending}
        onSend={(reason) => act.mutate({ path: { principal }, body: { reason } })}
      />
    </div>
  );
}

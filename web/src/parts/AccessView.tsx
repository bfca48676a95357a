import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import { asked } from '../api/asked.ts';
import type { Schemas } from '../api/schema.ts';
import type { Lines } from '../api/use-lines.ts';
import { policyIn } from '../pages/session/policy-text.ts';
import { texts } from '../texts.ts';
import { Failure } from './Failure.tsx';
import { FilterField } from './FilterField.tsx';
import { hasWords } from './has-words.ts';
import { Later } from './Later.tsx';
import { Loaded } from './Loaded.tsx';
import { Recorded } from './Recorded.tsx';
import './access.css';

type Line = Schemas['AccessLine'];
type Actions = Line['actions'][number];

/** A list that is longer has a filter. */
const filteredFrom = 8;

interface AccessViewProps {
  readonly of: Lines<Line>;
  /** The member in which the lines differ. */
  readonly by: 'principal' | 'target';
}

/** Says who may do what where, each with the policies that have a say. What is denied as a whole is shown on demand. */
export function AccessView({ of: { lines, isWhole, error }, by }: AccessViewProps): ReactNode {
  const [showsDenied, showDenied] = useState(false);
  const [filter, setFilter] = useState('');
  const found = lines.filter((line) => hasWords(filter, line[by] ?? '', line.access, ...line.groups, ...policiesOf(line)));
  const shown = showsDenied ? found : found.filter(({ access }) => access !== 'denied');
  const denied = found.length - shown.length;
  return (
    <>
      <p className="quiet">{texts.access.what}</p>
      {error !== null && <Failure error={error} />}
      {lines.length > filteredFrom && <FilterField label={texts.access.filter} value={filter} onChange={setFilter} />}
      {shown.length > 0 && (
        <div className="wide">
          <table className="access">
            <thead>
              <tr>
                <th>{texts.access.columns[by]}</th>
                <th>{texts.access.columns.access}</th>
                <th>{texts.access.columns.why}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((line) => (
                <AccessRow key={`${line.principal ?? ''} ${line.groups.join(' ')} ${line.target}`} of={line} by={by} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {isWhole && error === null && shown.length === 0 && <p role="status">{by === 'target' ? texts.access.none : texts.access.nobody}</p>}
      {!isWhole && <p role="status">{texts.state.loading}</p>}
      {denied > 0 && (
        <button type="button" onClick={() => showDenied(true)}>
          {texts.access.denied(denied)}
        </button>
      )}
    </>
  );
}

function policiesOf({ actions }: Line): readonly string[] {
  return actions.flatMap(({ policies }) => policies.map(({ policy }) => policy));
}

function AccessRow({ of, by }: { readonly of: Line; readonly by: AccessViewProps['by'] }): ReactNode {
  const { target, protocol, access, isObserved, actions } = of;
  return (
    <tr>
      <td>
        {by === 'target' ? (
          <>
            <Link to="/targets/$target" params={{ target }}>
              <Recorded text={target} />
            </Link>{' '}
            <span className="quiet">{protocol}</span>
          </>
        ) : (
          <Who of={of} />
        )}
      </td>
      <td>
        <AccessMark of={access} />
      </td>
      <td>
        {isObserved && <div className="quiet">{texts.access.observed}</div>}
        {actions.map((each) => (
          <ActionsView key={each.names.join(' ')} of={each} isAll={actions.length === 1} />
        ))}
      </td>
    </tr>
  );
}

function Who({ of: { principal, kind, groups } }: { readonly of: Line }): ReactNode {
  return principal === null ? (
    <em>{texts.access.anyone(groups)}</em>
  ) : (
    <>
      <Link to="/principals/$principal" params={{ principal }}>
        <Recorded text={principal} />
      </Link>{' '}
      <span className="quiet">{kind === null ? '' : texts.principals.kind[kind]}</span>
    </>
  );
}

const levels: Readonly<Record<Line['access'], string>> = { allowed: 'low', conditional: 'live', held: 'medium', denied: 'high' };

function AccessMark({ of }: { readonly of: Line['access'] }): ReactNode {
  return <span className={`mark ${levels[of]}`}>{texts.access.names[of]}</span>;
}

interface ActionsViewProps {
  readonly of: Actions;
  /** True: they are all actions of the target, so that the access to them is said already. */
  readonly isAll: boolean;
}

/** Some actions of which policies say the same. The names of most of them are shown on demand. */
function ActionsView({ of: { names, isRest, access, policies }, isAll }: ActionsViewProps): ReactNode {
  return (
    <div className="actions">
      <div>
        {isRest ? (
          <Later summary={isAll ? texts.access.all : texts.access.rest}>
            <code>{names.join(', ')}</code>
          </Later>
        ) : (
          <code>{names.join(', ')}</code>
        )}{' '}
        {!isAll && <AccessMark of={access} />}
      </div>
      <ul className="findings">
        {policies.map((share) => (
          <ShareView key={share.policy} of={share} />
        ))}
        {policies.every(({ effect }) => effect === 'forbid') && <li>{texts.access.unpermitted}</li>}
      </ul>
    </div>
  );
}

function ShareView({ of: { policy, effect, approval, when, isLimiting, mayFail } }: { readonly of: Actions['policies'][number] }): ReactNode {
  const { share } = texts.access;
  const more = [...(isLimiting ? [texts.access.limit] : []), ...(mayFail ? [texts.access.mayFail] : [])];
  return (
    <li>
      {effect === 'permit' ? share.permit : approval.length === 0 ? share.forbid : share.held(approval)}{' '}
      <Later summary={<Recorded text={policy} />}>
        <PolicyText of={policy} />
      </Later>{' '}
      {when !== null && (
        <>
          {texts.access.when}{' '}
          <code>
            <Recorded text={when} />
          </code>
        </>
      )}{' '}
      {more.join(', ')}
    </li>
  );
}

/** The text of a policy as it is in force. */
function PolicyText({ of }: { readonly of: string }): ReactNode {
  const policies = useQuery(asked('GET /api/v1/policy'));
  const { data: listed } = useQuery(asked('GET /api/v1/policy/files'));
  const file = of.slice(0, of.lastIndexOf(':'));
  const isOfFile = listed?.files.some((each) => each.file === file) === true;
  return (
    <Loaded of={policies}>
      {({ text }) => (
        <>
          <pre className="asked">
            <Recorded text={policyIn(text, of) ?? texts.access.isOfGateway} />
          </pre>
          {isOfFile && (
            <Link to="/policies" search={{ file }}>
              {texts.access.file}
            </Link>
          )}
        </>
      )}
    </Loaded>
  );
}

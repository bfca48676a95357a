import { useLive } from '../../api/use-live.ts';
import type { ReactNode } from 'react';
import type { Schemas } from '../../api/schema.ts';
import { Failure } from '../../parts/Failure.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { Time } from '../../parts/Time.tsx';
import { texts } from '../../texts.ts';
import { byKind } from './config-kinds.ts';
import { Passkeys } from './Passkeys.tsx';

/** The configuration in force, read-only, and the local administrators. */
export function SettingsPage(): ReactNode {
  const config = useLive('GET /api/v1/config');
  return (
    <>
      <PageTitle text={texts.settings.title} />
      <p className="quiet">{texts.settings.what}</p>
      <Loaded of={config}>{(shown) => <InForce of={shown} />}</Loaded>
      <Passkeys />
    </>
  );
}

function InForce({ of }: { readonly of: Schemas['ConfigInForce'] }): ReactNode {
  const { facts, encrypted, refused, waiting, notes } = texts.settings;
  const { kinds, notes: doubts } = byKind(of.lines);
  const listeners = of.listeners.map(({ name, address }) => `${name} ${address}`).join(', ');
  return (
    <>
      {of.refused !== null && <Failure error={new Error(`${refused}\n${of.refused}`)} />}
      {of.waiting.length > 0 && (
        <p role="status">
          <span className="mark medium">{waiting(of.waiting)}</span>
        </p>
      )}
      {doubts.length > 0 && (
        <ul className="found">
          {doubts.map((line) => (
            <li key={line}>
              <span className="mark medium">{notes}</span> <Recorded text={line} />
            </li>
          ))}
        </ul>
      )}
      <dl className="facts-list settings">
        <Fact name={facts.file} text={of.file} />
        <div>
          <dt>{facts.since}</dt>
          <dd>
            <Time of={of.since} />
          </dd>
        </div>
        <Fact name={facts.version} text={of.policyVersion} />
        <Fact name={facts.software} text={of.software} />
        <Fact name={facts.listeners} text={of.isEncrypted ? `${listeners}; ${encrypted}` : listeners} />
        {kinds.map(({ name, lines }) => (
          <Fact key={name} name={name} text={lines} />
        ))}
      </dl>
    </>
  );
}

function Fact({ name, text }: { readonly name: string; readonly text: string | readonly string[] }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      {[text].flat().map((line) => (
        <dd key={line}>
          <Recorded text={line} />
        </dd>
      ))}
    </div>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useAllLines, useLive } from '../../api/use-live.ts';
import { CopyText } from '../../parts/CopyText.tsx';
import { texts } from '../../texts.ts';

/** The three steps to a first session. They go when there is one. */
export function FirstRun(): ReactNode {
  const sessions = useAllLines('GET /api/v1/sessions', { query: { newest: '', limit: 1, facts: '' } }, 'always');
  return sessions.data?.length === 0 && <Steps />;
}

function Steps(): ReactNode {
  const { data: targets = [] } = useLive('GET /api/v1/targets');
  const { data: principals = [] } = useLive('GET /api/v1/principals');
  const { data: tokens = [] } = useLive('GET /api/v1/tokens');
  const [target] = targets;
  const who = principals.find(({ targets: granted }) => target !== undefined && granted.includes(target.name));
  const { steps } = texts.firstRun;
  const hasToken = tokens.some(({ principal }) => principal === who?.id);
  return (
    <section className="first-run" aria-label={texts.firstRun.title}>
      <h2>{texts.firstRun.title}</h2>
      <ol>
        <li>
          <Done is={who !== undefined} />
          {steps.target}
          {who === undefined && <CopyText text={texts.firstRun.targetText} />}
        </li>
        <li>
          <Done is={hasToken} />
          {steps.token} <Link to="/tokens">{texts.navigation.tokens}</Link>.
          <CopyText text={texts.firstRun.tokenText(who?.id ?? texts.firstRun.somebody)} />
        </li>
        <li>
          {steps.connection}
          {target === undefined ? <p className="quiet">{texts.firstRun.later}</p> : <Connection target={target.name} />}
        </li>
      </ol>
      <p className="quiet">{texts.firstRun.end}</p>
    </section>
  );
}

function Done({ is }: { readonly is: boolean }): ReactNode {
  return is && <span className="mark low">{texts.firstRun.done}</span>;
}

function Connection({ target }: { readonly target: string }): ReactNode {
  const { data } = useQuery(asked('GET /api/v1/targets/{target}/connection', { path: { target } }));
  return data !== undefined && <CopyText text={data.command} />;
}

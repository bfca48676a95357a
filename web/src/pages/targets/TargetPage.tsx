import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asked } from '../../api/asked.ts';
import { useLines } from '../../api/use-lines.ts';
import { AccessView } from '../../parts/AccessView.tsx';
import { CopyText } from '../../parts/CopyText.tsx';
import { Loaded } from '../../parts/Loaded.tsx';
import { NotFound } from '../../parts/NotFound.tsx';
import { PageTitle } from '../../parts/PageTitle.tsx';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import { addressOf, tagsOf } from './target-texts.ts';
import { Tools } from './Tools.tsx';

/** One target: where it is, how clients come to it, its tools, and who may reach it. */
export function TargetPage(): ReactNode {
  const { target: name } = useParams({ from: '/administration/targets/$target' });
  const targets = useQuery(asked('GET /api/v1/targets'));
  return (
    <Loaded of={targets}>
      {(all) => {
        const target = all.find((each) => each.name === name);
        return target === undefined ? <NotFound /> : <Target of={target} />;
      }}
    </Loaded>
  );
}

function Target({ of }: { readonly of: Parameters<typeof addressOf>[0] }): ReactNode {
  const { name, protocol, inspect, durability, mode } = of;
  const access = useLines('GET /api/v1/targets/{target}/access', { path: { target: name } });
  const { columns } = texts.targets;
  const facts = [
    [columns.protocol, protocol],
    [columns.address, addressOf(of)],
    [columns.tags, tagsOf(of).join(', ')],
    [columns.inspect, inspect.join(', ')],
    [columns.durability, texts.targets.durability[durability]],
    [columns.mode, texts.targets.mode[mode]],
  ] as const;
  return (
    <>
      <PageTitle text={name}>
        <Recorded text={name} />
      </PageTitle>
      <dl className="facts-list">
        {facts.map(
          ([fact, value]) =>
            value !== '' && (
              <div key={fact}>
                <dt>{fact}</dt>
                <dd>
                  <Recorded text={value} />
                </dd>
              </div>
            ),
        )}
      </dl>
      <Connection target={name} />
      <Tools target={name} />
      <h2>{texts.access.at}</h2>
      <AccessView of={access} by="principal" />
    </>
  );
}

/** How clients connect, as the protocol of the target says. */
function Connection({ target }: { readonly target: string }): ReactNode {
  const connection = useQuery(asked('GET /api/v1/targets/{target}/connection', { path: { target } }));
  const { connect, connectWhat, makeToken, command, environment, url } = texts.targets;
  return (
    <>
      <h2>{connect}</h2>
      <p className="quiet">
        {connectWhat} <Link to="/tokens">{makeToken}</Link>
      </p>
      <Loaded of={connection}>
        {(how) => {
          const variables = Object.entries(how.environment).map(([name, value]) => `${name}=${value}`);
          const ways = [
            [command, how.command],
            [environment, variables.join('\n')],
            [url, how.url],
          ] as const;
          return (
            <dl className="facts-list">
              {ways.map(
                ([way, text]) =>
                  text !== '' && (
                    <div key={way}>
                      <dt>{way}</dt>
                      <dd>
                        <CopyText text={text} />
                      </dd>
                    </div>
                  ),
              )}
            </dl>
          );
        }}
      </Loaded>
    </>
  );
}

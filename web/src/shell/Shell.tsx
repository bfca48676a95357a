import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { ask } from '../api/ask.ts';
import { asked } from '../api/asked.ts';
import { Failure } from '../parts/Failure.tsx';
import { Recorded } from '../parts/Recorded.tsx';
import { texts } from '../texts.ts';
import { AdminMenu } from './AdminMenu.tsx';
import { CallerContext } from './caller.ts';
import { applyTheme, isTheme, storedTheme } from './theme.ts';
import './shell.css';

/** The pages by their addresses. One with an act is only for who may do it, and those that are audited are for auditors too. */
const pages = [
  ['/', texts.navigation.now, null],
  ['/sessions', texts.navigation.sessions, null],
  ['/search', texts.navigation.search, null],
  ['/approvals', texts.navigation.approvals, null],
  ['/alerts', texts.navigation.alerts, null],
  ['/reviews', texts.navigation.reviews, null],
  ['/policies', texts.navigation.policies, 'administer'],
  ['/holds', texts.navigation.holds, 'hold'],
  ['/retention', texts.navigation.retention, 'administer'],
  ['/erasures', texts.navigation.erasures, 'erase'],
  ['/integrity', texts.navigation.integrity, null],
] as const;
const audited: ReadonlySet<string> = new Set(['/holds', '/retention', '/erasures']);
/** Who administers has these in the list of administration. */
const administered: ReadonlySet<string> = new Set(['/retention', '/erasures']);

/** The frame of all pages: where one may go, and as whom one is here. */
export function Shell(): ReactNode {
  const { data: caller, error } = useQuery(asked('GET /api/v1/whoami'));
  const leaving = useMutation({ mutationFn: signOut });
  const main = useRef<HTMLElement>(null);
  const { pathname } = useRouterState({ select: ({ location }) => location });
  // Who uses the keyboard or a screen reader is on the page that was opened.
  useEffect(() => main.current?.focus({ preventScroll: true }), [pathname]);
  const isThere = caller !== undefined;
  const isAdministrator = caller?.may.includes('administer') === true;
  useEffect(() => {
    document.querySelector('nav > :is([aria-current=page], .here)')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [pathname, isThere]);
  return (
    <>
      <a className="skip" href="#page">
        {texts.navigation.skip}
      </a>
      <header className="bar">
        <strong>{texts.product}</strong>
        <nav aria-label={texts.navigation.label}>
          {pages
            .filter(([to, , act]) => act === null || caller?.may.includes(act) === true || (audited.has(to) && caller?.groups.includes('auditors') === true))
            .filter(([to]) => !(isAdministrator && administered.has(to)))
            .map(([to, name]) => (
              <Link key={to} to={to} activeOptions={{ exact: to === '/' }}>
                {name}
              </Link>
            ))}
          {isAdministrator && <AdminMenu />}
        </nav>
        {caller !== undefined && (
          <div className="person">
            <span title={texts.person.roles(caller.roles.map(({ name }) => name))}>
              <Recorded text={caller.principal} />
            </span>
            <button type="button" disabled={leaving.isPending} onClick={() => leaving.mutate()}>
              {texts.person.signOut}
            </button>
          </div>
        )}
        <ThemeChoice />
      </header>
      <main id="page" ref={main} tabIndex={-1}>
        {leaving.error !== null && <Failure error={leaving.error} />}
        {caller !== undefined ? (
          <CallerContext value={caller}>
            <Outlet />
          </CallerContext>
        ) : error === null ? (
          <p role="status">{texts.state.loading}</p>
        ) : (
          <Failure error={error} />
        )}
      </main>
    </>
  );
}

async function signOut(): Promise<void> {
  await ask('POST /api/v1/sign-out', { body: {} });
  sessionStorage.clear();
  window.location.assign('/sign-in?return=/');
}

function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <select
      aria-label={texts.theme.label}
      value={theme}
      onChange={({ target: { value } }) => {
        if (isTheme(value)) {
          applyTheme(value);
          setTheme(value);
        }
      }}
    >
      <option value="auto">{texts.theme.auto}</option>
      <option value="light">{texts.theme.light}</option>
      <option value="dark">{texts.theme.dark}</option>
    </select>
  );
}

import { Link, useRouterState } from '@tanstack/react-router';
import { useEffect, useId, useRef, type ReactNode } from 'react';
import { texts } from '../texts.ts';

const pages = [
  ['/principals', texts.navigation.principals],
  ['/targets', texts.navigation.targets],
  ['/tokens', texts.navigation.tokens],
  ['/retention', texts.navigation.retention],
  ['/erasures', texts.navigation.erasures],
  ['/settings', texts.navigation.settings],
] as const;

/** The pages for who administers, in a list that opens. */
export function AdminMenu(): ReactNode {
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  const { pathname } = useRouterState({ select: ({ location }) => location });
  useEffect(() => list.current?.hidePopover(), [pathname]);
  const isHere = pages.some(([to]) => pathname.startsWith(to));
  return (
    <>
      <button type="button" className={isHere ? 'menu here' : 'menu'} popoverTarget={id}>
        {texts.navigation.administration}
      </button>
      <ul id={id} ref={list} popover="auto" className="menu-list">
        {pages.map(([to, name]) => (
          <li key={to}>
            <Link to={to}>{name}</Link>
          </li>
        ))}
      </ul>
    </>
  );
}

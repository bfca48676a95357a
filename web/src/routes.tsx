import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { Failure } from './parts/Failure.tsx';
import { NotFound } from './parts/NotFound.tsx';
import { Shell } from './shell/Shell.tsx';

/** Returns a part of an address that is a text. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : typeof value === 'number' ? String(value) : undefined;
}

const root = createRootRoute({
  component: Shell,
  errorComponent: ({ error }) => <Failure error={error instanceof Error ? error : new Error(String(error))} />,
  notFoundComponent: NotFound,
});

const now = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/sessions' });
  },
});

const sessions = createRoute({
  getParentRoute: () => root,
  path: '/sessions',
  validateSearch: ({ query }): { query?: string | undefined } => ({ query: textOf(query) }),
  component: lazyRouteComponent(async () => import('./pages/sessions/SessionsPage.tsx'), 'SessionsPage'),
});

const session = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$session',
  component: lazyRouteComponent(async () => import('./pages/session/SessionPage.tsx'), 'SessionPage'),
});

const search = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: ({ query, as }): { query?: string | undefined; as?: string | undefined } => ({ query: textOf(query), as: textOf(as) }),
  component: lazyRouteComponent(async () => import('./pages/search/SearchPage.tsx'), 'SearchPage'),
});

/** The map of the console: each page is a folder of `pages/`. */
export const router = createRouter({ routeTree: root.addChildren([now, sessions, session, search]) });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

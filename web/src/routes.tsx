import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
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
  component: lazyRouteComponent(async () => import('./pages/now/NowPage.tsx'), 'NowPage'),
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
  validateSearch: ({ query, as, by }): { query?: string | undefined; as?: string | undefined; by?: string | undefined } => ({
    query: textOf(query),
    as: textOf(as),
    by: textOf(by),
  }),
  component: lazyRouteComponent(async () => import('./pages/search/SearchPage.tsx'), 'SearchPage'),
});

const approvals = createRoute({
  getParentRoute: () => root,
  path: '/approvals',
  component: lazyRouteComponent(async () => import('./pages/approvals/ApprovalsPage.tsx'), 'ApprovalsPage'),
});

const approval = createRoute({
  getParentRoute: () => root,
  path: '/approvals/$approval',
  component: lazyRouteComponent(async () => import('./pages/approvals/ApprovalPage.tsx'), 'ApprovalPage'),
});

const alerts = createRoute({
  getParentRoute: () => root,
  path: '/alerts',
  component: lazyRouteComponent(async () => import('./pages/alerts/AlertsPage.tsx'), 'AlertsPage'),
});

const reviews = createRoute({
  getParentRoute: () => root,
  path: '/reviews',
  component: lazyRouteComponent(async () => import('./pages/reviews/ReviewsPage.tsx'), 'ReviewsPage'),
});

const integrity = createRoute({
  getParentRoute: () => root,
  path: '/integrity',
  component: lazyRouteComponent(async () => import('./pages/integrity/IntegrityPage.tsx'), 'IntegrityPage'),
});

const record = createRoute({
  getParentRoute: () => root,
  path: '/records/$log/$index',
  component: lazyRouteComponent(async () => import('./pages/record/RecordPage.tsx'), 'RecordPage'),
});

/** The map of the console: each page is a folder of `pages/`. */
export const router = createRouter({ routeTree: root.addChildren([now, sessions, session, search, approvals, approval, alerts, reviews, integrity, record]) });

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

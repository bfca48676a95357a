import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { Failure } from './parts/Failure.tsx';
import { NotFound } from './parts/NotFound.tsx';
import { Administration } from './shell/Administration.tsx';
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

const diffChoice = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$session/diff',
  component: lazyRouteComponent(async () => import('./pages/diff/DiffPage.tsx'), 'DiffChoicePage'),
});

const diff = createRoute({
  getParentRoute: () => root,
  path: '/sessions/$session/diff/$other',
  component: lazyRouteComponent(async () => import('./pages/diff/DiffPage.tsx'), 'DiffPage'),
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

const policies = createRoute({
  getParentRoute: () => root,
  path: '/policies',
  validateSearch: ({ file, tool }): { file?: string | undefined; tool?: string | undefined } => ({ file: textOf(file), tool: textOf(tool) }),
  component: lazyRouteComponent(async () => import('./pages/policies/PoliciesPage.tsx'), 'PoliciesPage'),
});

const holds = createRoute({
  getParentRoute: () => root,
  path: '/holds',
  component: lazyRouteComponent(async () => import('./pages/holds/HoldsPage.tsx'), 'HoldsPage'),
});

const erasures = createRoute({
  getParentRoute: () => root,
  path: '/erasures',
  component: lazyRouteComponent(async () => import('./pages/erasures/ErasuresPage.tsx'), 'ErasuresPage'),
});

const integrity = createRoute({
  getParentRoute: () => root,
  path: '/integrity',
  component: lazyRouteComponent(async () => import('./pages/integrity/IntegrityPage.tsx'), 'IntegrityPage'),
});

/** The pages for who administers. */
const administration = createRoute({ getParentRoute: () => root, id: 'administration', component: Administration });

const principals = createRoute({
  getParentRoute: () => administration,
  path: '/principals',
  component: lazyRouteComponent(async () => import('./pages/principals/PrincipalsPage.tsx'), 'PrincipalsPage'),
});

const principal = createRoute({
  getParentRoute: () => administration,
  path: '/principals/$principal',
  validateSearch: ({ groups }): { groups?: string | undefined } => ({ groups: textOf(groups) }),
  component: lazyRouteComponent(async () => import('./pages/principals/PrincipalPage.tsx'), 'PrincipalPage'),
});

const targets = createRoute({
  getParentRoute: () => administration,
  path: '/targets',
  component: lazyRouteComponent(async () => import('./pages/targets/TargetsPage.tsx'), 'TargetsPage'),
});

const target = createRoute({
  getParentRoute: () => administration,
  path: '/targets/$target',
  component: lazyRouteComponent(async () => import('./pages/targets/TargetPage.tsx'), 'TargetPage'),
});

const tokens = createRoute({
  getParentRoute: () => administration,
  path: '/tokens',
  validateSearch: ({ principal: of }): { principal?: string | undefined } => ({ principal: textOf(of) }),
  component: lazyRouteComponent(async () => import('./pages/tokens/TokensPage.tsx'), 'TokensPage'),
});

const retention = createRoute({
  getParentRoute: () => root,
  path: '/retention',
  component: lazyRouteComponent(async () => import('./pages/retention/RetentionPage.tsx'), 'RetentionPage'),
});

const settings = createRoute({
  getParentRoute: () => administration,
  path: '/settings',
  component: lazyRouteComponent(async () => import('./pages/settings/SettingsPage.tsx'), 'SettingsPage'),
});

const ofAdministrators = administration.addChildren([principals, principal, targets, target, tokens, settings]);

const record = createRoute({
  getParentRoute: () => root,
  path: '/records/$log/$index',
  component: lazyRouteComponent(async () => import('./pages/record/RecordPage.tsx'), 'RecordPage'),
});

const trace = createRoute({
  getParentRoute: () => root,
  path: '/trace/$log/$index',
  component: lazyRouteComponent(async () => import('./pages/trace/TracePage.tsx'), 'TracePage'),
});

/** The map of the console: each page is a folder of `pages/`. */
export const router = createRouter({
  routeTree: root.addChildren([
    now,
    sessions,
    session,
    diffChoice,
    diff,
    search,
    approvals,
    approval,
    alerts,
    reviews,
    policies,
    holds,
    retention,
    erasures,
    integrity,
    ofAdministrators,
    record,
    trace,
  ]),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

import { createMemoryHistory, createRootRoute, createRoute, createRouter, Outlet, RouterProvider } from '@tanstack/react-router';
import { useState, type ReactNode } from 'react';
import type { FileReport } from '@countersign/ledger';
import { CallerContext } from '../shell/caller.ts';
import type { Evidence } from './archive.ts';
import { EvidenceOverview } from './EvidenceOverview.tsx';
import { EvidenceSessionView } from './EvidenceSessionView.tsx';
import './evidence.css';

interface Shown {
  readonly evidence: Evidence;
  readonly report: FileReport;
}

/** Who has the file may read all that is in it. */
const reader = { may: ['administer' as const], groups: [] };

/** The pages: one about the whole evidence, and one for each session. They have no address of their own, because the file is one. */
export function EvidencePages({ evidence, report }: Shown): ReactNode {
  const [router] = useState(() => routerOf({ evidence, report }));
  return (
    <CallerContext value={reader}>
      <RouterProvider router={router} />
    </CallerContext>
  );
}

function routerOf({ evidence, report }: Shown): ReturnType<typeof createRouter> {
  const root = createRootRoute({ component: Outlet });
  const overview = createRoute({ getParentRoute: () => root, path: '/', component: () => <EvidenceOverview evidence={evidence} report={report} /> });
  const session = createRoute({
    getParentRoute: () => root,
    path: '/sessions/$session',
    component: function Session() {
      const { session: id } = session.useParams();
      return <EvidenceSessionView key={id} evidence={evidence} id={id} />;
    },
  });
  return createRouter({ routeTree: root.addChildren([overview, session]), history: createMemoryHistory(), scrollRestoration: true });
}

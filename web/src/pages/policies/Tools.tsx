import { Link, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { texts } from '../../texts.ts';
import { ExplainTool } from './ExplainTool.tsx';
import { HistoryTool } from './HistoryTool.tsx';
import { TestTool } from './TestTool.tsx';
import { TryTool } from './TryTool.tsx';
import type { Candidate } from './use-check.ts';

const tools = { try: TryTool, test: TestTool, explain: ExplainTool, history: HistoryTool } as const;
/** Those that keep what was written in them, and what they found, while another one is seen. */
const lasting = ['try', 'test', 'explain'] as const;

function isTool(name: string): name is keyof typeof tools {
  return Object.hasOwn(tools, name);
}

/** The ways to learn what policies would do, and did. All work on the files as they are written above, saved or not. */
export function Tools({ candidate }: { readonly candidate: Candidate }): ReactNode {
  const { tool = 'try' } = useSearch({ from: '/policies' });
  const present = isTool(tool) ? tool : 'try';
  return (
    <section aria-label={texts.policies.tools[present]} className="tools">
      <nav aria-label={texts.policies.toolsLabel}>
        {Object.keys(tools)
          .filter(isTool)
          .map((name) => (
            <Link
              key={name}
              to="/policies"
              search={(before) => ({ ...before, tool: name })}
              resetScroll={false}
              aria-current={name === present ? 'page' : undefined}
            >
              {texts.policies.tools[name]}
            </Link>
          ))}
      </nav>
      {lasting.map((name) => {
        const Tool = tools[name];
        return (
          <div key={name} hidden={name !== present}>
            <Tool candidate={candidate} />
          </div>
        );
      })}
      {present === 'history' && <HistoryTool />}
    </section>
  );
}

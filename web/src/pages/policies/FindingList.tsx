import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Recorded } from '../../parts/Recorded.tsx';
import { texts } from '../../texts.ts';
import type { Finding } from './findings.ts';

interface FindingListProps {
  readonly findings: readonly Finding[];
  /** How many policies there are. Absent: nobody has counted them yet. */
  readonly policies: number | undefined;
  readonly isBusy: boolean;
  readonly onShow: (finding: Finding) => void;
}

const levels = { error: 'high', warning: 'medium', info: 'low' } as const;

/** All that the check says, each with the way to its place. */
export function FindingList({ findings, policies, isBusy, onShow }: FindingListProps): ReactNode {
  const navigate = useNavigate();
  const faults = findings.filter(({ severity }) => severity === 'error').length;
  return (
    <>
      <p role="status" className="checked">
        {policies === undefined || isBusy ? texts.policies.checking : faults > 0 ? texts.policies.faulty(faults) : texts.policies.valid(policies)}
      </p>
      <ul className="findings">
        {findings.map((finding, at) => (
          <li key={at}>
            <button
              type="button"
              onClick={() => {
                void navigate({ to: '/policies', search: (before) => ({ ...before, file: finding.file }), resetScroll: false });
                onShow({ ...finding });
              }}
            >
              {finding.file}
              {finding.line !== null && `:${finding.line}:${finding.column}`}
            </button>{' '}
            <span className={`mark ${levels[finding.severity]}`}>{texts.policies.severity[finding.severity]}</span> <Recorded text={finding.message} />
          </li>
        ))}
      </ul>
    </>
  );
}

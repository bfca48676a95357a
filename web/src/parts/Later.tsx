import { useState, type ReactNode } from 'react';

/** Something that is made only when somebody opens it. */
export function Later({
  summary,
  children,
  className = '',
}: {
  readonly summary: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={className} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{summary}</summary>
      {isOpen && children}
    </details>
  );
}

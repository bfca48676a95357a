import { useId, useRef, type ReactNode } from 'react';
import type { Schemas } from '../api/schema.ts';
import { texts } from '../texts.ts';

const [high, medium] = [60, 30];

/** The risk of a session. Its reasons are shown while the mouse or the keyboard is on it, and are read with it. */
export function RiskMark({ risk: { score, reasons } }: { readonly risk: Schemas['SessionOverview']['risk'] }): ReactNode {
  const level = score >= high ? 'high' : score >= medium ? 'medium' : 'low';
  const hint = useRef<HTMLUListElement>(null);
  const id = useId();
  const show = (): void => hint.current?.showPopover();
  const hide = (): void => hint.current?.hidePopover();
  return reasons.length === 0 ? (
    <span className={`mark ${level}`}>{texts.session.risk(score)}</span>
  ) : (
    <span className="risk" onMouseEnter={show} onMouseLeave={hide}>
      <button type="button" className={`mark ${level}`} aria-describedby={id} onFocus={show} onBlur={hide} onKeyDown={({ key }) => key === 'Escape' && hide()}>
        {texts.session.risk(score)}
      </button>
      <ul id={id} ref={hint} popover="manual">
        {reasons.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </span>
  );
}

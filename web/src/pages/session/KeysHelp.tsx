import type { ReactNode, RefObject } from 'react';
import { texts } from '../../texts.ts';

/** The keys of the page. */
export function KeysHelp({ dialog }: { readonly dialog: RefObject<HTMLDialogElement | null> }): ReactNode {
  return (
    <dialog ref={dialog} aria-label={texts.session.keysTitle}>
      <h2>{texts.session.keysTitle}</h2>
      <dl className="keys">
        {texts.session.keys.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <button type="button" onClick={() => dialog.current?.close()}>
        {texts.session.close}
      </button>
    </dialog>
  );
}

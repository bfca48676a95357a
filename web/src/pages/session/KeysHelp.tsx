import type { ReactNode, RefObject } from 'react';
import { texts } from '../../texts.ts';

interface KeysHelpProps {
  readonly dialog: RefObject<HTMLDialogElement | null>;
  readonly hasCharacters: boolean;
  readonly onCharacters: (hasCharacters: boolean) => void;
}

/** The keys of the page, and the switch of those that are characters. */
export function KeysHelp({ dialog, hasCharacters, onCharacters }: KeysHelpProps): ReactNode {
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
      <p>
        <label>
          <input type="checkbox" checked={hasCharacters} onChange={({ target }) => onCharacters(target.checked)} /> {texts.session.characterKeys}
        </label>
      </p>
      <button type="button" onClick={() => dialog.current?.close()}>
        {texts.session.close}
      </button>
    </dialog>
  );
}

import { useState, type ReactNode } from 'react';
import { texts } from '../texts.ts';

/** A text to be copied, with a button that does so where the browser can. */
export function CopyText({ text }: { readonly text: string }): ReactNode {
  const [isCopied, setCopied] = useState(false);
  return (
    <div className="copied">
      <pre>{text}</pre>
      {window.isSecureContext && (
        <button
          type="button"
          onClick={() => {
            void navigator.clipboard.writeText(text).then(() => setCopied(true));
          }}
        >
          {isCopied ? texts.copy.done : texts.copy.button}
        </button>
      )}
    </div>
  );
}

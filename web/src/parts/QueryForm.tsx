import { useState, type ReactNode } from 'react';

interface Asking {
  readonly label: string;
  readonly example: string;
  readonly button: string;
  readonly query: string;
  readonly onAsk: (query: string) => void;
  /** Further choices. */
  readonly children?: ReactNode;
}

/** A field in which a query is written. It counts when it is sent, not while it is written. */
export function QueryForm({ label, example, button, query, onAsk, children }: Asking): ReactNode {
  const [written, setWritten] = useState(query);
  return (
    <form
      className="query"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        onAsk(written.trim());
      }}
    >
      <input
        type="search"
        aria-label={label}
        placeholder={example}
        value={written}
        spellCheck={false}
        autoCapitalize="none"
        onChange={({ target }) => setWritten(target.value)}
      />
      {children}
      <button type="submit" className="first">
        {button}
      </button>
    </form>
  );
}

import { useQuery } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { asked } from '../api/asked.ts';
import { completionsOf } from './completions.ts';

interface Asking {
  readonly label: string;
  readonly example: string;
  readonly button: string;
  readonly query: string;
  readonly onAsk: (query: string) => void;
  /** Further choices. */
  readonly children?: ReactNode;
}

/** A field in which a query is written, with the fields and values that may come next. It counts when it is sent, not while it is written. */
export function QueryForm({ label, example, button, query, onAsk, children }: Asking): ReactNode {
  const [written, setWritten] = useState(query);
  const id = useId();
  const { data: fields = [] } = useQuery({ ...asked('GET /api/v1/search/fields'), staleTime: Infinity });
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
        list={id}
        placeholder={example}
        value={written}
        spellCheck={false}
        autoCapitalize="none"
        onChange={({ target }) => setWritten(target.value)}
      />
      <datalist id={id}>
        {completionsOf(written, fields).map((completion) => (
          <option key={completion.query} value={completion.query}>
            {completion.title}
          </option>
        ))}
      </datalist>
      {children}
      <button type="submit" className="first">
        {button}
      </button>
    </form>
  );
}

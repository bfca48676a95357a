import type { ReactNode } from 'react';

interface FilterFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

/** A field that leaves those entries of a list that have its words. */
export function FilterField({ label, value, onChange }: FilterFieldProps): ReactNode {
  return (
    <input
      type="search"
      className="filter"
      aria-label={label}
      placeholder={label}
      value={value}
      maxLength={200}
      onChange={({ target }) => onChange(target.value)}
    />
  );
}

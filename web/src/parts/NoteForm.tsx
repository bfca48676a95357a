import { useId, useState, type ReactNode } from 'react';

interface NoteFormProps {
  readonly label: string;
  readonly button: string;
  /** True: the note may be empty. */
  readonly isOptional?: boolean;
  /** True: it is the button that most people come for. */
  readonly isFirst?: boolean;
  readonly isBusy: boolean;
  readonly onSend: (note: string) => void;
}

/** A note, and the button that does with it what it is for. */
export function NoteForm({ label, button, isOptional = false, isFirst = false, isBusy, onSend }: NoteFormProps): ReactNode {
  const [note, setNote] = useState('');
  const id = useId();
  return (
    <form
      className="note"
      onSubmit={(event) => {
        event.preventDefault();
        onSend(note.trim());
      }}
    >
      <label htmlFor={id}>{label}</label>
      <input id={id} value={note} maxLength={1000} required={!isOptional} onChange={({ target }) => setNote(target.value)} />
      <button type="submit" className={isFirst ? 'first' : ''} disabled={isBusy}>
        {button}
      </button>
    </form>
  );
}

import type { Schemas } from '../../api/schema.ts';

/** A file as somebody has written it, and not saved. */
export interface Draft {
  readonly text: string;
  /** The digest of the file from which it was begun. Null: it is a new one. */
  readonly sha256: string | null;
}

export type Drafts = Readonly<Record<string, Draft>>;

type File = Schemas['PolicyFile'];

/** Returns the drafts that differ from the files, as the gateway takes them. */
export function changedFiles(files: readonly File[], drafts: Drafts): readonly { readonly file: string; readonly text: string }[] {
  return Object.entries(drafts).flatMap(([file, { text }]) => (files.some((each) => each.file === file && each.text === text) ? [] : [{ file, text }]));
}

/** Returns the names of all files, those that are not saved yet among them. */
export function namesOf(files: readonly File[], drafts: Drafts): readonly string[] {
  return [...new Set([...files.map(({ file }) => file), ...Object.keys(drafts)])].toSorted();
}

/** Returns whether a file is not any more as it was when the draft of it was begun. */
export function isOvertaken(saved: File | undefined, draft: Draft | undefined): boolean {
  return draft !== undefined && draft.sha256 !== (saved?.sha256 ?? null) && draft.text !== saved?.text;
}

/** Returns the drafts with the text of a file, and without the draft if the text is that of the file. */
export function withText(drafts: Drafts, saved: File | undefined, { file, text }: { readonly file: string; readonly text: string }): Drafts {
  const { [file]: draft, ...others } = drafts;
  return saved !== undefined && saved.text === text
    ? others
    : { ...others, [file]: { text, sha256: draft === undefined ? (saved?.sha256 ?? null) : draft.sha256 } };
}

export function without(drafts: Drafts, file: string): Drafts {
  const { [file]: _left, ...others } = drafts;
  return others;
}

/** Returns the drafts after a text was saved: without it, or, if more was written meanwhile, with that begun from the file as it is now. */
export function rebased(drafts: Drafts, { file, text, sha256 }: { readonly file: string; readonly text: string; readonly sha256: string }): Drafts {
  const { [file]: draft, ...others } = drafts;
  return draft === undefined || draft.text === text ? others : { ...others, [file]: { text: draft.text, sha256 } };
}

import { isMap, isNode, isScalar, type Document, type LineCounter } from 'yaml';

/** A problem in a configuration with its place: a path into the document, or a character offset if the document could not be parsed. With `at: 'key'` the place is the last key of the path and not its value. */
export type Problem =
  | { readonly path: readonly PropertyKey[]; readonly at?: 'key'; readonly message: string }
  | { readonly offset: number; readonly message: string };

export interface Source {
  readonly document: Document;
  readonly lines: LineCounter;
  readonly file: string;
}

/** Formats a problem as `file:line:column: path: message`. Line and column are those of the innermost part of the path that is in the document. */
export function locate(source: Source, problem: Problem): string {
  if ('offset' in problem) {
    return `${place(source, problem.offset)}: ${problem.message}`;
  }
  const { path, at, message } = problem;
  const name = path.length === 0 ? '' : `${path.join('.')}: `;
  return `${place(source, findOffset(source.document, path, at === 'key'))}: ${name}${message}`;
}

/** Returns the place of a value as `file:line:column`. It is that of the innermost part of the path that is in the document. */
export function placeOf(source: Source, path: readonly PropertyKey[]): string {
  return place(source, findOffset(source.document, path, false));
}

function place({ lines, file }: Source, offset: number | null): string {
  if (offset === null) {
    return file;
  }
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}

function findOffset(document: Document, path: readonly PropertyKey[], wantsKey: boolean): number | null {
  const parent = path.length === 0 ? null : document.getIn(path.slice(0, -1), true);
  const key = isMap(parent) ? parent.items.find(({ key: name }) => isScalar(name) && String(name.value) === String(path.at(-1)))?.key : undefined;
  const node = document.getIn(path, true);
  for (const candidate of wantsKey ? [key, node] : [node, key]) {
    if (isNode(candidate) && candidate.range) {
      return candidate.range[0];
    }
  }
  return path.length === 0 ? null : findOffset(document, path.slice(0, -1), true);
}

import { isUtf8 } from 'node:buffer';

/** Most bytes of a path, as Linux has it. */
const pathBytesMax = 4096;
/** `..` as a part of a path, also where a target takes a backslash for a slash. */
const goesUp = /(?:^|[/\\])\.\.(?:[/\\]|$)/;

/** A path as policy sees it: absolute, without empty parts and `.`. Or the reason why it is refused. */
export type PlainPath = { readonly path: string } | { readonly refused: string };

/**
 * Finds which place a client names. `home` is where relative paths begin; null: the target did not say it. A path with `..` is refused, because what stands before it may be a
 * symbolic link, and then it leads elsewhere than its words say.
 */
export function plainPath(bytes: Buffer, home: string | null): PlainPath {
  if (bytes.length > pathBytesMax) {
    return { refused: `the path has ${bytes.length} bytes, and at most ${pathBytesMax} are allowed` };
  }
  if (!isUtf8(bytes) || bytes.includes(0)) {
    return { refused: 'the path is no text in UTF-8, so policy cannot speak of it' };
  }
  const said = bytes.toString();
  if (goesUp.test(said)) {
    return { refused: 'the path goes up (..): ask for the place to which it leads (realpath), and name that' };
  }
  if (said.startsWith('/')) {
    return { path: joined(said) };
  }
  return home === null ? { refused: 'the target did not say where relative paths begin: name an absolute path' } : { path: joined(`${home}/${said}`) };
}

/** Returns the place that a path names if none of its parts is a symbolic link; one that begins with `~` stays as it is. For operations that only ask which place it is. */
export function askedPath(bytes: Buffer, home: string | null): PlainPath {
  if (bytes.length > pathBytesMax || !isUtf8(bytes) || bytes.includes(0)) {
    return plainPath(bytes, home);
  }
  const said = bytes.toString();
  if (said.startsWith('~')) {
    return { path: said };
  }
  const parts: string[] = [];
  for (const part of (said.startsWith('/') ? said : `${home ?? ''}/${said}`).split('/')) {
    if (part === '..') {
      parts.pop();
    } else if (part !== '' && part !== '.') {
      parts.push(part);
    }
  }
  return { path: `/${parts.join('/')}` };
}

function joined(path: string): string {
  return `/${path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/')}`;
}

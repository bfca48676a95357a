const words: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EADDRINUSE: 'another program listens there',
  EADDRNOTAVAIL: 'this machine does not have that address',
  EDQUOT: 'the disk is full',
  EEXIST: 'it is there already',
  EISDIR: 'it is a directory',
  ELOOP: 'its links go in a circle',
  EMFILE: 'this process has too many files open',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'there is no such file or directory',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of the path is no directory',
  EPERM: 'the system does not allow it',
  EROFS: 'the file system is read-only',
};

/** The words for an error of the operating system; null for any other error. Names of errors without a translation stay as they are. */
export function systemErrorWords(error: unknown): string | null {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error) || typeof error.code !== 'string') {
    return null;
  }
  return words[error.code] ?? error.code;
}

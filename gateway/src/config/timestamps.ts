import { existsSync, readFileSync } from 'node:fs';
import { MalformedError, parseCertificates, type Certificate } from '@countersign/ledger';
import { systemErrorWords } from '../store/system-error.ts';

/** Reads the certificates of the authorities that the configuration names. Null if they are not there, or if `wrong` was told what is wrong with them. */
export function readAuthorities(file: string, wrong: (message: string) => void): readonly Certificate[] | null {
  if (!existsSync(file)) {
    return null;
  }
  try {
    return parseCertificates(readFileSync(file));
  } catch (cause) {
    const words = cause instanceof MalformedError ? cause.message : systemErrorWords(cause);
    if (words === null) {
      throw cause;
    }
    wrong(`${file}: ${words}`);
    return null;
  }
}

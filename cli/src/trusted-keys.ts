import { existsSync, readFileSync } from 'node:fs';

/** Of `--key`, which may be repeated: a verifier key, or the file that holds it. Without one the verifier takes the key that is in what it checks. */
export function trustedKeys({ key }: { readonly key: readonly string[] }): { readonly keys?: readonly string[] } {
  return key.length === 0 ? {} : { keys: key.map((value) => (existsSync(value) ? readFileSync(value, 'utf8').trim() : value)) };
}

import type { FileHandle } from 'node:fs/promises';
import type { ShownRecord } from '@countersign/gateway/api';
import { readBundle, type BundleReading } from '@countersign/gateway/bundle-reader';
import { MalformedError, type FileReport } from '@countersign/ledger';
import { describeFailure } from './failure.ts';
import { describeFactsOnly } from './facts-only.ts';
import { escapeControls } from './terminal.ts';
import { trustedKeys } from './trusted-keys.ts';

/**
 * Verifies a bundle and opens it. Writes to standard error what the verification does not prove. Rejects with an Error that names the file if the bundle does
 * not hold.
 */
export async function openBundle(name: string, handle: FileHandle, options: { readonly key: readonly string[] }): Promise<BundleReading> {
  const { keys } = await trustedKeys(options);
  try {
    const bundle = await readBundle(handle, keys);
    for (const note of notesOn(bundle.report)) {
      process.stderr.write(`countersign: ${escapeControls(`${name}: ${note}`, 'nothing')}\n`);
    }
    return bundle;
  } catch (cause) {
    const words = cause instanceof MalformedError ? `It cannot be read as a bundle: ${cause.message}.` : describeFailure(cause);
    throw new Error(`${name}: ${words} Nothing of it is shown; countersign verify FILE says more.`, { cause });
  }
}

/** Returns the record of a bundle that is named `LOG/INDEX` or `SESSION#NUMBER`. Rejects with an Error if it is not there. */
export async function recordIn(bundle: BundleReading, wanted: string, file: string): Promise<ShownRecord> {
  const [begin = '', number] = wanted.split('#');
  for await (const each of bundle.records()) {
    if (number === undefined ? each.record === wanted : each.session.startsWith(begin) && each.seq === Number(number)) {
      return each;
    }
  }
  throw new Error(`${file} has no record ${wanted}`);
}

/** Notes on a bundle that holds: they say what its verification does not prove. */
function notesOn({ extent, keySource, counts: { withheld, factsOnly } }: FileReport): string[] {
  return [
    ...(keySource === 'given' ? [] : ['it holds by the key inside; whose key that is was not checked: give log/key of the gateway, kept elsewhere, as --key']),
    ...(extent === 'open' ? ['the session was still open: the bundle does not say whether it continued'] : []),
    ...(extent === 'records' ? ['it is a selection of a session: the bundle does not say which other records there are'] : []),
    ...describeFactsOnly(factsOnly),
    ...(withheld === 0
      ? []
      : [`${withheld} ${withheld === 1 ? 'body is' : 'bodies are'} not in it: it proves that they were recorded and does not show their content`]),
  ];
}

import { readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, relative } from 'node:path';
import { MalformedError, parseWitnessPolicy } from '@countersign/ledger';
import { isBackupPath } from './manifest.ts';
import type { SetAside } from './secret-file.ts';

/** The certificates of all authorities of a system are a quarter of this. */
const publicBytesMax = 1024 * 1024;

/** The files that a gateway is configured with, as absolute paths. */
export interface Configured {
  /** The configuration file, and then the files of policies. Empty: it is not known. */
  readonly files: readonly string[];
  /** The other files that it names. */
  readonly named: readonly string[];
}

interface ConfigurationFiles {
  /** The files by where they are in a backup: below `config/`, as they lie beside the configuration file. */
  readonly taken: readonly SetAside[];
  /** Those that are left out: they lie elsewhere, or may be secret, or are not there. */
  readonly left: readonly string[];
}

/** Says which files of a configuration a backup takes: itself, its policies, and what it names that is public, as far as these lie beside it or below. */
export function configurationFiles({ files, named }: Configured): ConfigurationFiles {
  const taken: SetAside[] = [];
  const left: string[] = [];
  const [main = ''] = files;
  for (const file of new Set([...files, ...named])) {
    const beside = file === main ? basename(file) : relative(dirname(main), file);
    const path = `config/${beside}`;
    if (main !== '' && !isAbsolute(beside) && isBackupPath(path) && (files.includes(file) || isPublic(file))) {
      // It may be a link, as where a file of a cluster is mounted.
      taken.push({ path, file: realpathSync(file) });
    } else {
      left.push(file);
    }
  }
  return { taken, left };
}

/** True for certificates without a key, and for a policy of witnesses: of all that a configuration names, everybody may see these. */
function isPublic(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size > publicBytesMax) {
    return false;
  }
  const bytes = readFileSync(file);
  const text = bytes.toString('latin1');
  return text.includes('-----BEGIN CERTIFICATE-----') ? !text.includes('PRIVATE KEY-----') : isWitnessPolicy(bytes);
}

function isWitnessPolicy(bytes: Uint8Array): boolean {
  try {
    return parseWitnessPolicy(bytes).witnesses.length > 0;
  } catch (error) {
    if (error instanceof MalformedError) {
      return false;
    }
    throw error;
  }
}

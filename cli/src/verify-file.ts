import { countOf } from '@countersign/gateway/count-of';
import { createReadStream, statSync } from 'node:fs';
import { parseRecordedMeta } from '@countersign/gateway/recorded-meta';
import { MalformedError, verifyFile, type FileOptions, type FileReport, type ParsedRecord } from '@countersign/ledger';
import { decodeUtf8, isEvidencePage, isSealed, sealedInPage } from '@countersign/ledger/format';
import { describeTimestamp } from './described-timestamp.ts';
import { describeFactsOnly } from './facts-only.ts';

const chunkBytes = 256 * 1024;
/** Most names that are kept, because anybody may have made the bundle. */
const namesMax = 100;
/** The latest time that a `Date` can hold, in ms since 1970. */
const timeMsMax = 8.64e15;

/** Records of these kinds are in evidence for the sessions, and belong to none of them. */
const ofTheGateway: ReadonlySet<string> = new Set(['keep', 'hold', 'erasure', 'epoch']);

/** The facts of a session, as the records of its bundle state them. They can be believed only if the verdict is good. */
interface BundleFacts {
  readonly principals: readonly string[];
  readonly targets: readonly string[];
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

interface Decryption {
  /** The identities of age by which a page is decrypted, as age-keygen writes them. */
  readonly identity?: string;
}

export interface VerifiedFile {
  readonly report: FileReport;
  readonly facts: BundleFacts;
  /** The evidence was in a page, of which nothing else was read. */
  readonly isPage: boolean;
}

/** Verifies a bundle, a receipt or evidence in a file. Rejects with `MalformedError` if the file cannot be read. */
export async function verifyFileAt(file: string, { identity, ...options }: FileOptions & Decryption): Promise<VerifiedFile> {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined) {
    throw new MalformedError(`there is no file ${file}: countersign receipt, session export and export evidence make such files`);
  }
  if (!stats.isFile()) {
    throw new MalformedError(`${file} is no file: it is read more than once, so a pipe will not do`);
  }
  const facts = new FactsOfBundle();
  const open = (): AsyncIterable<Uint8Array> => createReadStream(file, { highWaterMark: chunkBytes });
  const isPage = await beginsAsPage(open);
  const report = await verifyFile(isPage && (await isSealed(open)) ? await decrypted(file, open, identity) : open, { ...options, onRecord: facts.add });
  return { report, facts, isPage };
}

async function beginsAsPage(open: () => AsyncIterable<Uint8Array>): Promise<boolean> {
  for await (const head of open()) {
    return isEvidencePage(head);
  }
  return false;
}

/** Returns what reads the evidence of an encrypted page. Rejects with `MalformedError` without an identity. */
async function decrypted(file: string, open: () => AsyncIterable<Uint8Array>, identity: string | undefined): Promise<() => AsyncIterable<Uint8Array>> {
  if (identity === undefined) {
    throw new MalformedError(`${file} is encrypted for its reader: give with --identity the file of an identity of age for which it was`);
  }
  const { decryptBytes } = await import('@countersign/gateway/age');
  return () => decryptBytes(sealedInPage(open), identity);
}

class FactsOfBundle implements BundleFacts {
  readonly #principals = new Set<string>();
  readonly #targets = new Set<string>();
  firstMs: number | null = null;
  lastMs: number | null = null;

  get principals(): readonly string[] {
    return [...this.#principals];
  }

  get targets(): readonly string[] {
    return [...this.#targets];
  }

  readonly add = ({ decoded: { kind, timeMs }, meta }: ParsedRecord): void => {
    if (ofTheGateway.has(kind)) {
      return;
    }
    this.firstMs = Math.min(this.firstMs ?? timeMs, timeMs);
    this.lastMs = Math.max(this.lastMs ?? timeMs, timeMs);
    if (meta.form === 'opened') {
      this.#addOpening(meta.plaintext);
    }
  };

  /** Adds the facts of a record that opens a channel: they name the principal and the target. */
  #addOpening(plaintext: Uint8Array): void {
    try {
      const text = decodeUtf8(plaintext);
      const opens = text.includes('"opens":') ? parseRecordedMeta(text).opens : undefined;
      if (opens !== undefined) {
        const { principal, principalKind, onBehalfOf, target, protocol } = opens;
        addName(this.#principals, `${principal} (${principalKind}${onBehalfOf === undefined ? '' : ` on behalf of ${onBehalfOf}`})`);
        // The record that opens a run lists everything that the run was given, and no single target.
        addName(this.#targets, target === '' ? '' : `${target} (${protocol})`);
      }
    } catch (error) {
      if (!(error instanceof MalformedError)) {
        throw error;
      }
    }
  }
}

function addName(names: Set<string>, name: string): void {
  if (name !== '' && names.size < namesMax) {
    names.add(name);
  }
}

/**
 * Describes a file in lines for people: its kind, whose it is, its time and targets. If it holds, the lines also say what that proves and what it does not
 * prove.
 */
export function describeFile({ report, facts, isPage }: VerifiedFile, hasKeys: boolean): string[] {
  const { form, log, session, sessions, extent, counts, logSize, verdict } = report;
  if (form === 'unknown') {
    return [
      'it is not what countersign receipt, session export or export evidence writes, or its beginning is missing. Receipts in the forms of others (--format) are checked with their tools',
    ];
  }
  const what = { receipt: 'a receipt', bundle: 'a bundle', evidence: `evidence of ${countOf(sessions ?? 0, 'session')}` }[form];
  const whole =
    form === 'receipt' || extent === undefined
      ? ''
      : form === 'evidence'
        ? { closed: ', each of them whole', open: ', of which some were still open', records: '' }[extent]
        : { closed: ', the whole session', open: ', a session that was still open', records: ', a selection of a session' }[extent];
  return [
    `${what}${whole}: ${countOf(counts.records, 'record')}${form === 'receipt' ? '' : `, ${countOf(counts.opened, 'body', 'bodies')} shown, ${counts.withheld} withheld`}`,
    ...(report.policies === undefined ? [] : [`${countOf(report.policies, 'version')} of the policies that decided in it`]),
    ...describeFactsOnly(counts.factsOnly),
    ...(session === undefined ? [] : [`session ${session}`]),
    ...(form === 'bundle' || form === 'evidence' ? describeFacts(facts) : []),
    ...(log === undefined || logSize === undefined ? [] : [`log ${log}, signed up to record ${logSize}`]),
    ...(report.timestamp === undefined ? [] : [`its checkpoint is stamped: ${describeTimestamp(report.timestamp)}`]),
    ...(report.known === undefined ? [] : [describeKnown(report.known)]),
    ...(form === 'receipt' && report.keySource === 'none'
      ? ['a receipt names no key and proves nothing without one: give log/key of the gateway, kept elsewhere, as --key']
      : []),
    ...(verdict === 'holds' ? describeProof(report, { hasKeys, isPage }) : []),
  ];
}

function describeFacts({ principals, targets, firstMs, lastMs }: BundleFacts): string[] {
  const time = (ms: number): string => (ms > timeMsMax ? 'a time that is none' : new Date(ms).toISOString());
  return [
    principals.length === 0 ? 'whose it is and what it reached is not shown in it' : `of ${principals.join(', ')}; targets: ${targets.join(', ') || 'none'}`,
    ...(firstMs === null || lastMs === null ? [] : [`from ${time(firstMs)} to ${time(lastMs)}, by the gateway's clock`]),
  ];
}

function describeKnown(known: 'same' | 'earlier'): string {
  return known === 'same'
    ? 'its checkpoint is the known one'
    : 'its checkpoint is newer than the known one; that both are of one history takes the log (countersign verify --data DIR --known FILE)';
}

function describeProof({ form, extent, counts }: FileReport, { hasKeys, isPage }: { readonly hasKeys: boolean; readonly isPage: boolean }): string[] {
  const signer = hasKeys ? 'under a signature of a key that you trust' : 'under a signature of the key inside';
  const proved = {
    closed: 'this session is whole, from its opening to its close: no record is missing, added or changed',
    open: 'these are the first records of this session, none left out between them, none changed; whether it went on later is not in it',
    records: 'these records are as they were made; which others the session has is not in it',
    evidence: 'each session is whole, from its opening to its close or to the checkpoint: no record is missing, added or changed',
  }[form === 'evidence' ? form : (extent ?? 'records')];
  const unkept = counts.factsOnly === 0 || form === 'receipt' ? [] : ['what the content was that is not kept'];
  const shown =
    form === 'receipt'
      ? 'what the record says: a receipt holds no body'
      : counts.withheld === 1
        ? 'what the body withheld says'
        : `what the ${counts.withheld} bodies withheld say`;
  const unproved = [
    'that there is no other session, and no other history: that takes the log (countersign verify --data DIR)',
    ...(form === 'receipt' || counts.withheld > 0 ? [shown] : []),
    ...unkept,
    ...(form === 'evidence' ? ['that all was kept and deleted as the rules say: that takes the store (countersign verify --retention --data DIR)'] : []),
    ...(isPage ? ['that the page shows this in a browser: its program is that of who made the file, and only the evidence in it was read'] : []),
    'what went past the gateway',
  ];
  return [`It proves, ${signer}: ${proved}.`, `It does not prove: ${unproved.join('; ')}.`];
}

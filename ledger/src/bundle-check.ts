/** The check of a bundle, record by record. Codes: docs/formats/verification.md. */
import type { BundleBody, BundleHeader, ParsedRecord } from './bundle.ts';
import { checkAge, checkInclusion, checkStamped, compareKnown, emptyReport, nameOf, type FileOptions, type FileReport } from './file-report.ts';
import type { SignedCheckpoint } from './checkpoint.ts';
import { parseCloseRecords, parseEpochBody, parseGovernanceBody, parseSealBody } from './governance.ts';
import { decodeHex } from './hex.ts';
import { commitClear, commitSealed, leafFlags, leafHash, sessionIdBytes, storesContent, type BodySlot, type Leaf, type LeafKind } from './leaf.ts';
import { openKeyRing } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import { parseVerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { checkDecided, checkNote, trustGiven } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { Findings, orMalformed, orMalformedLater } from './verdict.ts';

/** Verifies a bundle of any length. Its records are given one by one, in order, and are not kept. */
export class BundleCheck {
  readonly #header: BundleHeader;
  readonly #findings: Findings;
  readonly #signed: SignedCheckpoint | undefined;
  readonly #counts = { records: 0, opened: 0, withheld: 0, factsOnly: 0 };
  readonly #extent = new Extent();
  readonly #options: FileOptions;
  #known: FileReport['known'];
  #timestamp: FileReport['timestamp'];
  #before: ParsedRecord | undefined;
  #policies = 0;
  /** The index of the newest record of policies; -1 if there was none. */
  #policyIndex = -1;

  private constructor(header: BundleHeader, options: FileOptions, findings: Findings, signed: SignedCheckpoint | undefined) {
    this.#header = header;
    this.#options = options;
    this.#findings = findings;
    this.#signed = signed;
  }

  /** Begins with the bundle's first line. `checkpoint` is the signed note of its last line. */
  static async begin(header: BundleHeader, checkpoint: string, options: FileOptions = {}, findings = new Findings()): Promise<BundleCheck> {
    return BundleCheck.under(header, await checkSigned(header, checkpoint, options, findings), options, findings);
  }

  /** Begins with the bundle's first line, under a checkpoint that was checked before. */
  static under(header: BundleHeader, { signed, known, timestamp }: CheckedNote, options: FileOptions, findings: Findings): BundleCheck {
    const check = new BundleCheck(header, options, findings, signed);
    check.#known = known;
    check.#timestamp = timestamp;
    return check;
  }

  /** Adds the next record of the session. Throws `MalformedError` after a record of policies. */
  add(record: ParsedRecord): void {
    if (this.#policies > 0) {
      throw new MalformedError('record of the session behind one of policies');
    }
    if (this.#signed !== undefined) {
      checkInclusion(record, this.#signed, this.#findings);
    }
    checkPlace(record, this.#before, this.#header, this.#findings);
    checkBodies(record, this.#findings);
    this.#before = record;
    this.#extent.add(record);
    this.#counts.records += 1;
    this.#counts.factsOnly += (record.decoded.flags & leafFlags.factsOnly) === 0 ? 0 : 1;
    for (const body of [record.meta, record.content]) {
      this.#counts.opened += body.form === 'opened' ? 1 : 0;
      this.#counts.withheld += body.form === 'withheld' ? 1 : 0;
    }
  }

  /** Adds a record of policies. It is proven alone, because it stands in the session of the gateway itself. Throws `MalformedError` if the bundle has no place for it. */
  addPolicy(record: ParsedRecord): void {
    if (!this.#header.hasPolicies) {
      throw new MalformedError('record of policies in a bundle without a place for it');
    }
    if (this.#signed !== undefined) {
      checkInclusion(record, this.#signed, this.#findings);
    }
    checkBodies(record, this.#findings);
    if (record.decoded.kind !== 'policy') {
      this.#findings.add('integrity', nameOf(record), `is a record of the kind ${record.decoded.kind}, not policy`);
    } else if (record.index <= this.#policyIndex) {
      this.#findings.add('integrity', nameOf(record), 'is out of order');
    }
    this.#policyIndex = record.index;
    this.#policies += 1;
  }

  /** True if no fault was found so far. */
  get holds(): boolean {
    return this.#findings.verdict === 'holds';
  }

  /** Ends the check after the last record and returns the report. */
  finish(): FileReport {
    const { scope, records: promised } = this.#header;
    const { records } = this.#counts;
    if (records !== promised) {
      this.#findings.add(records < promised ? 'completeness' : 'integrity', 'bundle', `the count of records is ${records}, not ${promised}`);
    }
    const extent = scope === 'records' ? 'records' : this.#extent.finish(this.#findings);
    if (this.#before !== undefined) {
      checkAge(this.#before.decoded.timeMs, this.#options, this.#findings);
    }
    return { ...this.report(), extent };
  }

  /** Returns the report on the part that was read, for a bundle whose rest cannot be read. */
  report(): FileReport {
    const { log, session } = this.#header;
    return {
      ...emptyReport(this.#findings),
      form: 'bundle',
      keySource: this.#options.keys === undefined ? 'bundle' : 'given',
      log,
      session,
      counts: this.#counts,
      ...(this.#header.hasPolicies ? { policies: this.#policies } : {}),
      ...(this.#signed === undefined ? {} : { logSize: this.#signed.size }),
      ...(this.#known === undefined ? {} : { known: this.#known }),
      ...(this.#timestamp === undefined ? {} : { timestamp: this.#timestamp }),
      ...(this.#before === undefined ? {} : { newestMs: this.#before.decoded.timeMs }),
    };
  }
}

/** The checkpoint of a file, checked; undefined: no trusted key signed it. */
export interface CheckedNote {
  readonly signed: SignedCheckpoint | undefined;
  readonly known: FileReport['known'];
  readonly timestamp: FileReport['timestamp'];
}

/** Checks the checkpoint of a file that names its log and its key. */
export async function checkSigned(
  { log, key, keyring }: Pick<BundleHeader, 'log' | 'key' | 'keyring'>,
  checkpoint: string,
  options: FileOptions,
  findings: Findings,
): Promise<CheckedNote> {
  const own = parseVerifierKey(key);
  const ring = keyring === null ? undefined : await orMalformedLater(findings, 'keyring', async () => openKeyRing(encodeUtf8(keyring)));
  const keys = await trustGiven(options.keys ?? [key], ring, findings);
  if (!keys.has(own)) {
    // It claims another origin than the one that it is checked against.
    findings.add('trust', 'bundle', 'its key is not a trusted one');
  }
  const signed = await checkNote(encodeUtf8(checkpoint), 'checkpoint', keys, findings);
  if (signed !== undefined && signed.origin !== log) {
    findings.add('integrity', 'checkpoint', 'is not of the log that the bundle names');
  }
  checkDecided(keys, log, 'checkpoint', findings);
  return {
    signed,
    known: signed === undefined || options.known === undefined ? undefined : await compareKnown(options.known, signed, keys, findings),
    timestamp: signed === undefined ? undefined : await checkStamped(checkpoint, signed, options, findings),
  };
}

/** Checks that the record belongs to the session and follows the record before it. */
function checkPlace(record: ParsedRecord, before: ParsedRecord | undefined, header: BundleHeader, findings: Findings): void {
  const { session, sessionSeq, previous } = record.decoded;
  if (session !== header.session) {
    findings.add('integrity', nameOf(record), 'is of another session');
  }
  const nextSeq = before === undefined ? 0 : before.decoded.sessionSeq + 1;
  if (sessionSeq < nextSeq || (before !== undefined && record.index <= before.index)) {
    findings.add('integrity', nameOf(record), 'is out of order');
  } else if (sessionSeq > nextSeq && header.scope === 'session') {
    findings.add('completeness', nameOf(record), `record ${sessionSeq} of its session follows ${nextSeq - 1}`);
  } else if (sessionSeq === nextSeq && before !== undefined && !equalBytes(previous, leafHash(before.leaf))) {
    findings.add('integrity', nameOf(record), 'does not follow the previous leaf of its session');
  }
}

function commitmentOf(leaf: Leaf, slot: BodySlot, body: BundleBody): Uint8Array | undefined {
  if (body.form === 'clear') {
    return commitClear(encodeUtf8(body.text));
  }
  if (body.form === 'opened') {
    const { salt, plaintext } = body;
    const session = decodeHex(leaf.session, sessionIdBytes);
    return commitSealed({ slot, session, sessionSeq: leaf.sessionSeq, salt, plaintext });
  }
  return undefined;
}

/** The forms that a body may have according to the leaf. */
function formsOf(leaf: Leaf, slot: BodySlot): readonly BundleBody['form'][] {
  if (slot === 'meta' ? (leaf.flags & leafFlags.hasMeta) === 0 : !storesContent(leaf.flags)) {
    return ['none'];
  }
  const isClear = slot === 'meta' && (leaf.flags & leafFlags.metaClear) !== 0;
  return isClear ? ['clear'] : ['opened', 'withheld'];
}

/** Checks that each body has the form that the leaf says, and matches its commitment. */
function checkBodies(record: ParsedRecord, findings: Findings): void {
  const leaf = record.decoded;
  for (const slot of ['meta', 'content'] as const) {
    const body = record[slot];
    const commitment = commitmentOf(leaf, slot, body);
    if (!formsOf(leaf, slot).includes(body.form)) {
      findings.add('integrity', nameOf(record), `${slot} does not fit the flags of the leaf`);
    } else if (commitment !== undefined && !equalBytes(commitment, slot === 'meta' ? leaf.metaCommit : leaf.contentCommit)) {
      findings.add('integrity', nameOf(record), `${slot} does not match its commitment`);
    } else if (body.form === 'clear') {
      checkClear(record, encodeUtf8(body.text), findings);
    }
  }
}

function checkClear(record: ParsedRecord, body: Uint8Array, findings: Findings): void {
  const { kind, sessionSeq } = record.decoded;
  orMalformed(findings, nameOf(record), () => {
    if (kind === 'close') {
      const records = parseCloseRecords(body);
      if (records !== sessionSeq + 1) {
        const what = `close with the count ${records} at record ${sessionSeq}`;
        findings.add('integrity', nameOf(record), what);
      }
    } else if (kind === 'epoch') {
      parseEpochBody(body);
    } else if (kind === 'seal') {
      parseSealBody(body);
    } else {
      parseGovernanceBody(kind, body);
    }
  });
}

/** Checks that a whole session begins with `open` or `epoch`, and that `close` occurs only as its last record. */
class Extent {
  #first: LeafKind | null = null;
  #closeAt: number | null = null;
  #records = 0;

  add({ decoded: { kind } }: ParsedRecord): void {
    this.#first ??= kind;
    if (kind === 'close') {
      this.#closeAt ??= this.#records;
    }
    this.#records += 1;
  }

  finish(findings: Findings): 'open' | 'closed' {
    if (this.#first !== 'open' && this.#first !== 'epoch') {
      findings.add('completeness', 'bundle', 'session without its first record');
    }
    if (this.#closeAt !== null && this.#closeAt < this.#records - 1) {
      findings.add('integrity', 'bundle', 'session with records behind its close');
    }
    return this.#closeAt === null ? 'open' : 'closed';
  }
}

/** Verifies files that prove records without the gateway: bundles and receipts. Codes: docs/formats/verification.md. */
import { isBundle, parseBundle, type BundleBody, type BundleHeader, type ParsedRecord } from './bundle.ts';
import { checkInclusion, emptyReport, nameOf, type FileOptions, type FileReport } from './file-report.ts';
import { parseCloseRecords, parseEpochBody, parseGovernanceBody, parseSealBody } from './governance.ts';
import { decodeHex } from './hex.ts';
import { commitClear, commitSealed, leafFlags, leafHash, sessionIdBytes, type BodySlot, type Leaf, type LeafKind } from './leaf.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { checkNote, type SignedCheckpoint } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { isReceipt, verifyReceipt } from './tlog-proof.ts';
import { Findings, orMalformed } from './verdict.ts';

/** Tells a bundle from a receipt and verifies it. Rejects with `MalformedError` only when `options.keys` are none. */
export async function verifyFile(bytes: Uint8Array, options: FileOptions = {}): Promise<FileReport> {
  if (isReceipt(bytes)) {
    return verifyReceipt(bytes, options);
  }
  if (isBundle(bytes)) {
    return verifyBundle(bytes, options);
  }
  const findings = new Findings();
  findings.add('malformed', 'file', 'neither a bundle nor a receipt');
  return { ...emptyReport(findings), form: 'unknown', keySource: 'none' };
}

/** A bundle: a session, or records of it, with what they say. Rejects with `MalformedError` only when `options.keys` are none. */
export async function verifyBundle(bytes: Uint8Array, options: FileOptions = {}): Promise<FileReport> {
  options.keys?.forEach(parseVerifierKey);
  const findings = new Findings();
  const bundle = orMalformed(findings, 'bundle', () => parseBundle(bytes));
  if (bundle === undefined) {
    return { ...emptyReport(findings), form: 'bundle', keySource: options.keys === undefined ? 'bundle' : 'given' };
  }
  const check = await BundleCheck.begin(bundle.header, bundle.checkpoint, options);
  for (const record of bundle.records) {
    check.add(record);
  }
  return check.finish();
}

/** The same for a bundle of any length: its records are given one by one, in order, and not held. */
export class BundleCheck {
  readonly #header: BundleHeader;
  readonly #keySource: FileReport['keySource'];
  readonly #findings: Findings;
  readonly #signed: SignedCheckpoint | undefined;
  readonly #counts = { records: 0, opened: 0, withheld: 0 };
  readonly #extent = new Extent();
  #before: ParsedRecord | undefined;

  private constructor(header: BundleHeader, keySource: FileReport['keySource'], findings: Findings, signed: SignedCheckpoint | undefined) {
    this.#header = header;
    this.#keySource = keySource;
    this.#findings = findings;
    this.#signed = signed;
  }

  /** `checkpoint`: the signed note of its last line. */
  static async begin(header: BundleHeader, checkpoint: string, options: FileOptions = {}): Promise<BundleCheck> {
    const findings = new Findings();
    const own = parseVerifierKey(header.key);
    const keys = options.keys?.map(parseVerifierKey) ?? [own];
    checkOwnKey(own, keys, findings);
    const signed = await checkNote(encodeUtf8(checkpoint), 'checkpoint', keys, findings);
    if (signed !== undefined && signed.origin !== header.log) {
      findings.add('integrity', 'checkpoint', 'is not of the log that the bundle names');
    }
    return new BundleCheck(header, options.keys === undefined ? 'bundle' : 'given', findings, signed);
  }

  add(record: ParsedRecord): void {
    if (this.#signed !== undefined) {
      checkInclusion(record, this.#signed, this.#findings);
    }
    checkPlace(record, this.#before, this.#header, this.#findings);
    checkBodies(record, this.#findings);
    this.#before = record;
    this.#extent.add(record);
    this.#counts.records += 1;
    for (const body of [record.meta, record.content]) {
      this.#counts.opened += body.form === 'opened' ? 1 : 0;
      this.#counts.withheld += body.form === 'withheld' ? 1 : 0;
    }
  }

  /** Nothing was found so far. */
  get holds(): boolean {
    return this.#findings.verdict === 'holds';
  }

  finish(): FileReport {
    const { log, session, scope, records: promised } = this.#header;
    const { records } = this.#counts;
    if (records !== promised) {
      this.#findings.add(records < promised ? 'completeness' : 'integrity', 'bundle', `${records} records, not ${promised}`);
    }
    const extent = scope === 'records' ? 'records' : this.#extent.finish(this.#findings);
    return {
      ...emptyReport(this.#findings),
      form: 'bundle',
      keySource: this.#keySource,
      log,
      session,
      extent,
      counts: this.#counts,
      ...(this.#signed === undefined ? {} : { logSize: this.#signed.size }),
    };
  }
}

/** A bundle that names a key which is not trusted claims another origin than the one it is checked against. */
function checkOwnKey(own: VerifierKey, keys: readonly VerifierKey[], findings: Findings): void {
  if (!keys.some(({ name, publicKey }) => name === own.name && equalBytes(publicKey, own.publicKey))) {
    findings.add('trust', 'bundle', 'its key is not a trusted one');
  }
}

/** The record belongs to the session and follows the one before. */
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
  if ((leaf.flags & (slot === 'meta' ? leafFlags.hasMeta : leafFlags.hasContent)) === 0) {
    return ['none'];
  }
  const isClear = slot === 'meta' && (leaf.flags & leafFlags.metaClear) !== 0;
  return isClear ? ['clear'] : ['opened', 'withheld'];
}

/** Each body is of the form that the leaf says, and has its commitment. */
function checkBodies(record: ParsedRecord, findings: Findings): void {
  const leaf = record.decoded;
  for (const slot of ['meta', 'content'] as const) {
    const body = record[slot];
    const commitment = commitmentOf(leaf, slot, body);
    if (!formsOf(leaf, slot).includes(body.form)) {
      findings.add('integrity', nameOf(record), `${slot} does not fit the flags of the leaf`);
    } else if (commitment !== undefined && !equalBytes(commitment, slot === 'meta' ? leaf.metaCommit : leaf.contentCommit)) {
      findings.add('integrity', nameOf(record), `${slot} does not have its commitment`);
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
        const what = `close of ${records} records at record ${sessionSeq}`;
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

/** A whole session begins with `open` or `epoch`, and with nothing else but at its end stands `close`. */
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

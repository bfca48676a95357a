/** Verifies files that prove records without the gateway: bundles and receipts. Codes: docs/formats/verification.md. */
import {
  bundleLineBytesMax,
  isBundle,
  isBundleCheckpoint,
  isBundlePolicy,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundlePolicy,
  parseBundleRecord,
  type BundleBody,
  type BundleHeader,
  type ParsedRecord,
} from './bundle.ts';
import { checkAge, checkInclusion, compareKnown, emptyReport, nameOf, type FileOptions, type FileReport, type FileSource } from './file-report.ts';
import { parseCloseRecords, parseEpochBody, parseGovernanceBody, parseSealBody } from './governance.ts';
import { decodeHex } from './hex.ts';
import { commitClear, commitSealed, leafFlags, leafHash, sessionIdBytes, storesContent, type BodySlot, type Leaf, type LeafKind } from './leaf.ts';
import { findLastLine, splitLines } from './lines.ts';
import { MalformedError } from './malformed.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { checkNote, type SignedCheckpoint } from './store-trust.ts';
import { decodeUtf8, encodeUtf8 } from './text.ts';
import { isReceipt, receiptBytesMax, verifyReceipt } from './tlog-proof.ts';
import { Findings, orMalformed, orMalformedLater } from './verdict.ts';

type OpenFile = Exclude<FileSource, Uint8Array>;

/**
 * Verifies a bundle or a receipt of any length in bounded memory. It finds out which of the two the file is. Rejects with `MalformedError` only if
 * `options.keys` are malformed.
 */
export async function verifyFile(source: FileSource, options: FileOptions = {}): Promise<FileReport> {
  const open = source instanceof Uint8Array ? () => piecesOf([source]) : source;
  const head = await readHead(open, receiptBytesMax + 1);
  if (isReceipt(head)) {
    return verifyReceipt(head, options);
  }
  if (isBundle(head)) {
    return verifyBundle(open, options);
  }
  const findings = new Findings();
  findings.add('malformed', 'file', 'neither a bundle nor a receipt');
  return { ...emptyReport(findings), form: 'unknown', keySource: 'none' };
}

async function* piecesOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

async function readHead(open: OpenFile, bytesMax: number): Promise<Uint8Array> {
  const head = new Uint8Array(bytesMax);
  let length = 0;
  for await (const chunk of open()) {
    const part = chunk.subarray(0, bytesMax - length);
    head.set(part, length);
    length += part.length;
    if (length === bytesMax) {
      break;
    }
  }
  return head.subarray(0, length);
}

/** Verifies a bundle in two passes: the first reads only the last line, the checkpoint, against which the second checks everything before it. */
async function verifyBundle(open: OpenFile, options: FileOptions): Promise<FileReport> {
  options.keys?.forEach(parseVerifierKey);
  const findings = new Findings();
  const check = await orMalformedLater(findings, 'bundle', async () => {
    const checkpoint = parseBundleCheckpoint(decodeUtf8(await findLastLine(open(), bundleLineBytesMax)));
    for await (const line of splitLines(open(), bundleLineBytesMax)) {
      return BundleCheck.begin(parseBundleHeader(decodeUtf8(line)), checkpoint, options, findings);
    }
    throw new MalformedError('empty bundle');
  });
  if (check === undefined) {
    return { ...emptyReport(findings), form: 'bundle', keySource: options.keys === undefined ? 'bundle' : 'given' };
  }
  const isWhole = await orMalformedLater(findings, 'bundle', async () => {
    await addRecords(open, check, options.onRecord);
    return true;
  });
  return isWhole === true ? check.finish() : check.report();
}

/** Checks the lines between the first and the last. */
async function addRecords(open: OpenFile, check: BundleCheck, onRecord: FileOptions['onRecord']): Promise<void> {
  let place: 'header' | 'records' | 'end' = 'header';
  for await (const line of splitLines(open(), bundleLineBytesMax)) {
    const text = decodeUtf8(line);
    if (place === 'end') {
      throw new MalformedError('bundle with lines behind its checkpoint');
    } else if (place === 'header') {
      place = 'records';
    } else if (isBundleCheckpoint(text)) {
      place = 'end';
    } else if (isBundlePolicy(text)) {
      check.addPolicy(parseBundlePolicy(text));
    } else {
      const record = parseBundleRecord(text);
      check.add(record);
      onRecord?.(record);
    }
  }
}

/** Verifies a bundle of any length. Its records are given one by one, in order, and are not kept. */
export class BundleCheck {
  readonly #header: BundleHeader;
  readonly #findings: Findings;
  readonly #signed: SignedCheckpoint | undefined;
  readonly #counts = { records: 0, opened: 0, withheld: 0, factsOnly: 0 };
  readonly #extent = new Extent();
  readonly #options: FileOptions;
  #known: FileReport['known'];
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
    const own = parseVerifierKey(header.key);
    const keys = options.keys?.map(parseVerifierKey) ?? [own];
    checkOwnKey(own, keys, findings);
    const signed = await checkNote(encodeUtf8(checkpoint), 'checkpoint', keys, findings);
    if (signed !== undefined && signed.origin !== header.log) {
      findings.add('integrity', 'checkpoint', 'is not of the log that the bundle names');
    }
    const check = new BundleCheck(header, options, findings, signed);
    if (signed !== undefined && options.known !== undefined) {
      check.#known = await compareKnown(options.known, signed, keys, findings);
    }
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
      ...(this.#before === undefined ? {} : { newestMs: this.#before.decoded.timeMs }),
    };
  }
}

/** Reports a bundle that names a key which is not trusted: it claims another origin than the one that it is checked against. */
function checkOwnKey(own: VerifierKey, keys: readonly VerifierKey[], findings: Findings): void {
  if (!keys.some(({ name, publicKey }) => name === own.name && equalBytes(publicKey, own.publicKey))) {
    findings.add('trust', 'bundle', 'its key is not a trusted one');
  }
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

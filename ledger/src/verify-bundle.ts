/** Verifies files that prove records without the gateway: bundles and receipts. Codes: docs/formats/verification.md. */
import { isBundle, parseBundle, type Bundle, type BundleBody } from './bundle.ts';
import { checkInclusion, emptyReport, nameOf, type FileOptions, type FileReport } from './file-report.ts';
import { parseCloseRecords, parseEpochBody, parseGovernanceBody, parseSealBody } from './governance.ts';
import { decodeHex } from './hex.ts';
import { commitClear, commitSealed, leafFlags, leafHash, sessionIdBytes, type BodySlot, type Leaf } from './leaf.ts';
import { parseVerifierKey, type VerifierKey } from './note.ts';
import { equalBytes } from './proof.ts';
import { checkNote } from './store-trust.ts';
import { encodeUtf8 } from './text.ts';
import { isReceipt, verifyReceipt } from './tlog-proof.ts';
import { Findings, orMalformed } from './verdict.ts';

type CheckedRecord = Bundle['records'][number];

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
  const given = options.keys?.map(parseVerifierKey);
  const findings = new Findings();
  const bundle = orMalformed(findings, 'bundle', () => parseBundle(bytes));
  const keySource = given === undefined ? 'bundle' : 'given';
  if (bundle === undefined) {
    return { ...emptyReport(findings), form: 'bundle', keySource };
  }
  const { header, records } = bundle;
  const own = parseVerifierKey(header.key);
  const keys = given ?? [own];
  checkOwnKey(own, keys, findings);
  const signed = await checkNote(encodeUtf8(bundle.checkpoint), 'checkpoint', keys, findings);
  if (signed !== undefined && signed.origin !== header.log) {
    findings.add('integrity', 'checkpoint', 'is not of the log that the bundle names');
  }
  if (records.length !== header.records) {
    const code = records.length < header.records ? 'completeness' : 'integrity';
    findings.add(code, 'bundle', `${records.length} records, not ${header.records}`);
  }
  const counts = { records: records.length, opened: 0, withheld: 0 };
  for (const [i, record] of records.entries()) {
    if (signed !== undefined) {
      checkInclusion(record, signed, findings);
    }
    checkPlace(record, records[i - 1], header, findings);
    checkBodies(record, findings);
    for (const body of [record.meta, record.content]) {
      counts.opened += body.form === 'opened' ? 1 : 0;
      counts.withheld += body.form === 'withheld' ? 1 : 0;
    }
  }
  const extent = header.scope === 'records' ? 'records' : checkExtent(records, findings);
  return {
    ...emptyReport(findings),
    form: 'bundle',
    keySource,
    log: header.log,
    session: header.session,
    extent,
    counts,
    ...(signed === undefined ? {} : { logSize: signed.size }),
  };
}

/** A bundle that names a key which is not trusted claims another origin than the one it is checked against. */
function checkOwnKey(own: VerifierKey, keys: readonly VerifierKey[], findings: Findings): void {
  if (!keys.some(({ name, publicKey }) => name === own.name && equalBytes(publicKey, own.publicKey))) {
    findings.add('trust', 'bundle', 'its key is not a trusted one');
  }
}

/** The record belongs to the session and follows the one before. */
function checkPlace(record: CheckedRecord, before: CheckedRecord | undefined, header: Bundle['header'], findings: Findings): void {
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
function checkBodies(record: CheckedRecord, findings: Findings): void {
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

function checkClear(record: CheckedRecord, body: Uint8Array, findings: Findings): void {
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
function checkExtent(records: readonly CheckedRecord[], findings: Findings): 'open' | 'closed' {
  const kinds = records.map(({ decoded }) => decoded.kind);
  if (kinds[0] !== 'open' && kinds[0] !== 'epoch') {
    findings.add('completeness', 'bundle', 'session without its first record');
  }
  const close = kinds.indexOf('close');
  if (close >= 0 && close < kinds.length - 1) {
    findings.add('integrity', 'bundle', 'session with records behind its close');
  }
  return close < 0 ? 'open' : 'closed';
}

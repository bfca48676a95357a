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
} from './bundle.ts';
import { BundleCheck } from './bundle-check.ts';
import { isEvidence } from './evidence.ts';
import { linesInPage, isEvidencePage } from './evidence-page.ts';
import { emptyReport, type FileOptions, type FileReport, type FileSource, type OpenFile } from './file-report.ts';
import { findLastLine, splitLines } from './lines.ts';
import { openGivenKeys } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8 } from './text.ts';
import { isReceipt, receiptBytesMax, verifyReceipt } from './tlog-proof.ts';
import { Findings, orMalformedLater } from './verdict.ts';
import { verifyEvidence } from './verify-evidence.ts';

/**
 * Verifies a bundle, a receipt or evidence of any length in bounded memory. It finds out which of them the file is. Rejects with `MalformedError` only if
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
  if (isEvidence(head)) {
    return verifyEvidence(open, options);
  }
  if (isEvidencePage(head)) {
    return verifyEvidence(() => linesInPage(open), options);
  }
  const findings = new Findings();
  findings.add('malformed', 'file', 'neither a bundle, nor a receipt, nor evidence');
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
  await openGivenKeys(options.keys ?? []);
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

import { receiptHolds, verdictWords, verifyFile } from '@countersign/ledger';
import { originOf, parseReceipt } from '@countersign/ledger/format';
import type { KnownLog, ServedKeys } from '../integrity/known-log.ts';

/** The result of a check, in the words of the verifier. */
export interface ReceiptResult {
  readonly isProven: boolean;
  readonly verdict: string;
  readonly findings: readonly string[];
  /** The size of the log under the checkpoint that proves the record; null if nothing is proven. */
  readonly size: number | null;
}

/**
 * Checks that a receipt proves the record `LOG/INDEX`, under the key that is known or one that a keyring adds to it, and a checkpoint no older than the one that is
 * known.
 */
export async function checkReceipt(
  receipt: Uint8Array,
  record: string,
  { key, keyring, checkpoint }: Pick<KnownLog, 'key' | 'checkpoint'> & Pick<ServedKeys, 'keyring'>,
): Promise<ReceiptResult> {
  const keys = keyring === null ? [key] : [key, keyring];
  const { verdict, findings, form, log, logSize } = await verifyFile(receipt, { keys, ...(checkpoint === null ? {} : { known: checkpoint }) });
  const found = findings.map(({ code, where, what }) => `${code}: ${where} ${what}`);
  if (verdict !== 'holds') {
    return { isProven: false, verdict: verdictWords[verdict], findings: found, size: null };
  }
  const [gateway = '', index] = record.split('/');
  const isOfRecord = form === 'receipt' && log === originOf(gateway) && parseReceipt(receipt).index === Number(index);
  return isOfRecord
    ? { isProven: true, verdict: receiptHolds, findings: found, size: logSize ?? null }
    : { isProven: false, verdict: verdictWords.integrity, findings: [`integrity: receipt is not that of record ${record}`], size: null };
}

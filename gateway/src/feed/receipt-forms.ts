import { encodeUtf8, formatCoseReceipt, formatSignedStatement, originOf, parseReceipt, type NoteSigner, type Receipt } from '@countersign/ledger/format';
import type { KeyStore } from '../recording/key-store.ts';

/** Makes what proves that a record is in the log from a receipt whose proof holds. `signer` has the key of the log. */
type FormatReceipt = (receipt: Receipt, signer: NoteSigner) => Uint8Array;

/** RFC 9052, 12. */
export const coseMediaType = 'application/cose';

/** The forms besides that of C2SP, which has the signature of the checkpoint itself. */
const otherForms = { cose: formatCoseReceipt, scitt: formatSignedStatement } as const satisfies Readonly<Record<string, FormatReceipt>>;

export const receiptForms = ['tlog', 'cose', 'scitt'] as const satisfies readonly ('tlog' | keyof typeof otherForms)[];

/** Makes another form of a receipt. Throws GatewayError `key_unavailable`. */
export function formReceipt(tlog: string, form: (typeof receiptForms)[number], keys: Pick<KeyStore, 'signer'>): Uint8Array {
  const bytes = encodeUtf8(tlog);
  if (form === 'tlog') {
    return bytes;
  }
  const { gatewayId, signer } = keys.signer();
  return otherForms[form](parseReceipt(bytes), { ...signer, name: originOf(gatewayId) });
}

/** Proofs of a record in the forms of COSE (RFC 9052): a receipt (RFC 9942), and a signed statement with its receipt (SCITT). Normative: docs/formats/cose.md. */
import { encodeCbor, type CborValue } from './cbor.ts';
import { parseCheckpoint } from './checkpoint.ts';
import { decodeHex } from './hex.ts';
import { formatVerifierKey, parseNote, parseVerifierKey, type NoteSigner } from './note.ts';
import { encodeUtf8 } from './text.ts';
import type { Receipt } from './tlog-proof.ts';

/** The labels of header parameters. */
const labels = { algorithm: 1, contentType: 3, key: 4, claims: 15, receipts: 394, structure: 395, proofs: 396 } as const;
const claims = { issuer: 1, subject: 2 } as const;
const edDsa = -8;
/** RFC9162_SHA256 in the registry of verifiable data structures, and its inclusion proofs. */
const merkleTree = 1;
const inclusionProofs = -1;
const signedOnce = 18;
const leafType = 'application/vnd.countersign.leaf';
const keyIdBytes = 4;

/** Makes a receipt of inclusion from one in the form of C2SP, whose proof holds. The root is detached: it is what the proof comes to. Throws `MalformedError`. */
export function formatCoseReceipt({ index, proof, checkpoint }: Receipt, signer: NoteSigner): Uint8Array {
  const { size, root } = parseCheckpoint(parseNote(encodeUtf8(checkpoint)).text);
  const shown = encodeCbor([size, index, proof]);
  return sign({
    protected: new Map<number, CborValue>([...whose(signer, index), [labels.structure, merkleTree]]),
    unprotected: new Map([[labels.proofs, new Map([[inclusionProofs, [shown]]])]]),
    payload: root,
    isDetached: true,
    signer,
  });
}

/** Makes a signed statement whose payload is the leaf, with its receipt. The entry of the log is the payload. Throws `MalformedError`. */
export function formatSignedStatement(receipt: Receipt, signer: NoteSigner): Uint8Array {
  return sign({
    protected: new Map<number, CborValue>([...whose(signer, receipt.index), [labels.contentType, leafType]]),
    unprotected: new Map([[labels.receipts, [formatCoseReceipt(receipt, signer)]]]),
    payload: receipt.leaf,
    isDetached: false,
    signer,
  });
}

/** The parameters that say who signs, how, and about which record. */
function whose(signer: NoteSigner, index: number): readonly (readonly [number, CborValue])[] {
  const { id } = parseVerifierKey(formatVerifierKey(signer));
  return [
    [labels.algorithm, edDsa],
    [labels.key, decodeHex(id, keyIdBytes)],
    [
      labels.claims,
      new Map([
        [claims.issuer, signer.name],
        [claims.subject, `${signer.name}/${index}`],
      ]),
    ],
  ];
}

interface Message {
  readonly protected: ReadonlyMap<number, CborValue>;
  readonly unprotected: ReadonlyMap<number, CborValue>;
  readonly payload: Uint8Array;
  readonly isDetached: boolean;
  readonly signer: NoteSigner;
}

/** Makes a tagged COSE_Sign1. */
function sign({ protected: parameters, unprotected, payload, isDetached, signer }: Message): Uint8Array {
  const header = encodeCbor(parameters);
  const signature = signer.sign(encodeCbor(['Signature1', header, new Uint8Array(0), payload]));
  return encodeCbor({ tag: signedOnce, value: [header, unprotected, isDetached ? null : payload, signature] });
}

/** The verifier: checks a store, a bundle or a receipt with a public key alone. */
export { anchorFileBytesMax } from './anchor.ts';
export { AnchorCheck, type AnchoredTrees, type AnchorReport } from './anchor-check.ts';
export type { BodyOpener, BodyOutcome } from './body-check.ts';
export type { ParsedRecord } from './bundle.ts';
export { BundleCheck } from './bundle-check.ts';
export { parseCertificates, type Certificate } from './certificate.ts';
export type { FileOptions, FileReport } from './file-report.ts';
export type { StoreProgress } from './journal-check.ts';
export type { KeyRows } from './key-check.ts';
export { openGivenKeys } from './keyring.ts';
export { MalformedError } from './malformed.ts';
export { parseVerifierKey, type VerifierKey } from './note.ts';
export type { StoreFiles } from './store-files.ts';
export { exitCodes, receiptHolds, verdictWords, worstOf, type Finding, type Verdict } from './verdict.ts';
export { verifyFile } from './verify-file.ts';
export { verifyPublicLog, type LogProgress, type LogReport, type ReadLogFile } from './verify-public-log.ts';
export { verifyStore, type StoreOptions, type StoreReport } from './verify-store.ts';
export { parseWitnessPolicy, type WitnessPolicy } from './witness-policy.ts';

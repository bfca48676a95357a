/** Functions that a check of a whole store needs besides the verifier: they read its keys and its index. */
export { readBucketRecord, type BucketRecord } from '../bucket/bucket-record.ts';
export { compareIndex } from '../offline/offline-index.ts';
export { JournalOpener } from '../recording/body-opener.ts';
export { noKeyRows, openKeyRows } from '../recording/key-rows.ts';
export { KeyStore } from '../recording/key-store.ts';
export { openRoot } from '../recording/root-secret/open-root.ts';

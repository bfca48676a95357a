/** Functions that a check of a whole store needs besides the verifier: they read its keys and its index. */
export { compareIndex } from '../offline/offline-index.ts';
export { JournalOpener } from '../recording/body-opener.ts';
export { noKeyRows, openKeyRows } from '../recording/key-rows.ts';
export { KeyStore } from '../recording/key-store.ts';
export { openRootKey } from '../recording/root-key.ts';

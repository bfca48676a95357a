/** The files of a data directory: for commands that read or write them beside a gateway, or without one. */
export { systemErrorWords } from './domain/system-error.ts';
export { hashToken, isToken } from './identity/token-format.ts';
export { JournalOpener } from './recording/body-opener.ts';
export { noKeyRows, openKeyRows } from './recording/key-rows.ts';
export { KeyStore } from './recording/key-store.ts';
export { openRootKey } from './recording/root-key.ts';
export { parseRecordedMeta } from './replay/recorded-meta.ts';
export { isStoreInUse } from './store-lock.ts';
export { makeDataDirectory } from './store/data-directory.ts';
export { replaceWholeFile, writeWholeFile } from './store/whole-file.ts';

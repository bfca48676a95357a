/** Small functions for the files of a gateway, for commands that write some of them. Every command loads this module, so it must stay small. */
export { rootKeyVariable, type RootSource } from '../domain/root-settings.ts';
export { defaultData, whatIsLive } from '../config/sections.ts';
export { holdSqlite as holdFile } from '../store/sqlite.ts';
export { systemErrorWords } from '../store/system-error.ts';
export { hashToken, isToken } from '../identity/token-format.ts';
export { makeDataDirectory } from '../store/data-directory.ts';
export { replaceWholeFile, writeWholeFile } from '../store/whole-file.ts';

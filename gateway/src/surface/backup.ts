/** Functions that make backups of a store without a gateway. */
export type { BackupReport } from '../backup/backups.ts';
export { restoreBackup } from '../backup/restore.ts';
export { endRestoring } from '../backup/restored.ts';
export { backUpOffline } from '../offline/offline-backup.ts';
export { filesOfPolicy } from '../policies/configured-policy.ts';

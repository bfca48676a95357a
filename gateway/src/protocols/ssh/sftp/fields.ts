import type { ContextField } from '../../../domain/context-field.ts';
import { ownAttributes } from '../../../domain/own-attributes.ts';

/** The facts about operations of SFTP that policies may speak of. */
export const sftpFields: readonly ContextField[] = [
  {
    name: 'path',
    type: 'text',
    attribute: 'file.path',
    absent: '',
    isContent: true,
    title:
      'The file or directory of an operation of SFTP: from the root, without `.`, `..` and empty parts, and as the client names it, so symbolic links at the target may lead elsewhere. Of what is done with an open file, the path by which it was opened.',
  },
  {
    name: 'otherPath',
    type: 'text',
    attribute: ownAttributes.fileOtherPath,
    absent: '',
    isContent: true,
    title: 'The second path of an operation of SFTP, in the same form: the new name, where a symbolic link leads, the file that is written by a copy.',
  },
  {
    name: 'offsetMebibytes',
    type: 'number',
    attribute: ownAttributes.fileOffsetMebibytes,
    absent: 0,
    title: 'Where in its file a read or a write of SFTP begins, in whole MiB.',
  },
];

/** Most files of policies. */
export const policyFilesMax = 200;
/** Most bytes of one of them. */
export const policyFileBytesMax = 1024 * 1024;

/** The text of a file of policies. */
export interface PolicyText {
  /** The name of the file in the directory of policies. It is the first part of each policy's id. */
  readonly file: string;
  readonly text: string;
}

/** A file of policies. */
export interface PolicySource extends PolicyText {
  /** The path by which messages name it. */
  readonly path: string;
  /** True for the policies of protocols, which are in force where the operator has no file of this name. */
  readonly isBuiltIn?: true;
}

/** A file of policies. */
export interface PolicySource {
  /** The name of the file in the directory of policies. It is the first part of each policy's id. */
  readonly file: string;
  /** The path by which messages name it. */
  readonly path: string;
  readonly text: string;
  /** True for the policies of protocols, which are in force where the operator has no file of this name. */
  readonly isBuiltIn?: true;
}

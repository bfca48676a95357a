/** Says that the input does not have the form that its format requires: exit code 5 of the verifier. The message quotes at most a few bytes of the input. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

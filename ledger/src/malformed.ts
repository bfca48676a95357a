/** The input is not what the format says it must be: exit code 5 of the verifier. The message never quotes more than a few bytes of the input. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
}

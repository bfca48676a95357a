/**
 * Returns, as YAML, a variable for the environment of a target. A program that is started often starts faster with the code that `npm test` has already
 * compiled.
 */
export function compileCache(): string {
  return `NODE_COMPILE_CACHE: "${process.env['NODE_COMPILE_CACHE'] ?? ''}"`;
}

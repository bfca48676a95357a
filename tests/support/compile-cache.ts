/** Of a target's environment, as YAML: a program that is started often starts sooner with what `npm test` has compiled already. */
export function compileCache(): string {
  return `NODE_COMPILE_CACHE: "${process.env['NODE_COMPILE_CACHE'] ?? ''}"`;
}

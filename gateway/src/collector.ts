import { setFlagsFromString } from 'node:v8';

/**
 * Lets the collector wait longer. The heap is small and nearly all that is allocated are the buffers of reads outside of it; by its own measure V8 collects
 * the whole heap for every 14 MB that pass, which took a sixth of a core at full load (docs/benchmarks.md).
 */
export function relaxCollector(): void {
  setFlagsFromString('--heap-growing-percent=400');
}

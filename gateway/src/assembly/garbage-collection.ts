import { setFlagsFromString } from 'node:v8';

/**
 * Makes V8 collect garbage less often. The heap is small, and nearly all allocations are buffers of reads outside of it. By default V8 collects
 * the whole heap for every 14 MB that pass, which took a sixth of a core at full load (docs/benchmarks.md).
 */
export function relaxCollector(): void {
  setFlagsFromString('--heap-growing-percent=400');
}

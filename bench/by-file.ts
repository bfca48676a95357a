import { fileURLToPath } from 'node:url';
import { join, relative } from 'node:path';

/** Where a function is, as V8 says it. */
interface CallFrame {
  readonly functionName: string;
  readonly url: string;
}

/** The result of `Profiler.stop`. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  /** Ids of nodes, and the microseconds since the sample before. */
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The result of `HeapProfiler.stopSampling`, below `head`. */
export interface AllocationNode {
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly AllocationNode[];
}

const root = join(import.meta.dirname, '..');
export const idle = '(idle)';

/** Microseconds in which a sample was in each file. They are of the clock on the wall: while the thread waits for a core, it is in whatever it was in. */
export function timeByFile({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const files = new Map(nodes.map(({ id, callFrame }) => [id, fileOf(callFrame)]));
  const times = new Map<string, number>();
  for (const [i, sample] of samples.entries()) {
    add(times, files.get(sample) ?? '(unknown)', timeDeltas[i] ?? 0);
  }
  return times;
}

/** Bytes that were allocated in each file, extrapolated by V8 from its samples. */
export function allocationsByFile(head: AllocationNode): Map<string, number> {
  const bytes = new Map<string, number>();
  const nodes = [head];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    add(bytes, fileOf(node.callFrame), node.selfSize);
    nodes.push(...node.children);
  }
  return bytes;
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value);
}

/** Our files by path, Node's by module, and what has none by what it is: functions of the runtime, `(garbage collector)`, `(program)`, `(idle)`. */
function fileOf({ url, functionName }: CallFrame): string {
  if (url === '') {
    return functionName.startsWith('(') ? functionName : `native ${functionName === '' ? '(no name)' : functionName}`;
  }
  if (url.startsWith('wasm:')) {
    return 'WebAssembly';
  }
  return url.startsWith('file:') ? relative(root, fileURLToPath(url)) : url;
}

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { GatewayProcess } from '../tests/support/gateway-process.ts';
import type { LoadResult } from './http-load.ts';

const outputBytesMax = 256 * 1024 * 1024;
/** The path of Chat Completions. */
export const modelPath = '/v1/chat/completions';

/** One way to the model: where, and with which headers. */
export interface ModelWay {
  readonly name: string;
  /** Id of the process between the client and the model; null if there is none. */
  readonly pid: number | null;
  readonly port: number;
  readonly path: string;
  readonly headers: readonly string[];
}

export interface ModelLoad {
  readonly connections: number;
  readonly seconds: number;
  readonly streams: boolean;
  /** True for answers with an e-mail address and the number of a phone. */
  readonly hasValues?: boolean;
}

/** Sends requests on each connection, one after the other, from a process of its own. */
export function loadModel(way: ModelWay, { connections, seconds, streams, hasValues = false }: ModelLoad): LoadResult {
  const body = JSON.stringify({
    model: 'bench-1',
    messages: [
      { role: 'system', content: 'You answer briefly.' },
      { role: 'user', content: hasValues ? 'Say twenty words, and whom to write to.' : 'Say a word twenty times.' },
    ],
    temperature: 0,
    ...(streams ? { stream: true } : {}),
  });
  const head = [`POST ${way.path} HTTP/1.1`, `host: 127.0.0.1:${way.port}`, 'content-type: application/json', `content-length: ${body.length}`, ...way.headers];
  const request = Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`).toString('base64');
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'http-load.ts'), String(way.port), String(connections), String(seconds)],
    { encoding: 'utf8', env: { ...process.env, LOAD_REQUEST: request }, maxBuffer: outputBytesMax },
  );
  if (status !== 0) {
    throw new Error(`the load on ${way.name} failed: ${stderr}`);
  }
  return JSON.parse(stdout);
}

export function modelDirectly({ port }: { readonly port: number }): ModelWay {
  return { name: 'direct', pid: null, port, path: modelPath, headers: ['authorization: Bearer sk-bench'] };
}

/** To a target of the gateway, as its principal `bench`. */
export function modelThroughGateway(name: string, gateway: GatewayProcess, target: string): ModelWay {
  const headers = [`authorization: Bearer ${gateway.token('bench')}`];
  return { name, pid: gateway.pid, port: gateway.port('http'), path: `/t/${target}${modelPath}`, headers };
}

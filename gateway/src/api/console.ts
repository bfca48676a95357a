import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { GatewayError } from '../domain/errors.ts';
import type { NodeRequest } from '../exchange/exchange.ts';
import type { OpenRoute } from './open-route.ts';
import { problem } from './problem.ts';

const page = 'index.html';
/** The page in which evidence is exported. */
const evidence = 'evidence.html';
const assets = 'assets';
/** All that is in the page comes from the gateway, and no text becomes code. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  // The console starts a worker, and its address is the only one that becomes code.
  'trusted-types worker',
].join('; ');
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The console as it was built: one page, and the files that it names, whose names change with what is in them. They are in memory, compressed. */
export class Console {
  readonly #files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;

  constructor(files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>) {
    this.#files = files;
  }

  /** Reads the console of this installation; null if it was not built, or is not installed. */
  static open(): Console | null {
    const folder = consoleFolder();
    if (folder === null) {
      return null;
    }
    const names = [page, evidence, ...readdirSync(join(folder, assets)).map((name) => `${assets}/${name}`)].filter((name) =>
      existsSync(join(folder, `${name}.gz`)),
    );
    return new Console(new Map(names.map((name) => [name, Uint8Array.from(readFileSync(join(folder, `${name}.gz`)))])));
  }

  /** Answers with the page. It finds out by its address what to show. */
  page(request: NodeRequest): Response {
    return this.#answer(page, request, {
      'cache-control': 'no-cache',
      'content-security-policy': policy,
      'cross-origin-opener-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
    });
  }

  /** Answers with a file that the page names; null if there is none of the name. A worker has the policy of its own file. */
  file(name: string, request: NodeRequest): Response | null {
    const path = `${assets}/${basename(name)}`;
    return this.#files.has(path)
      ? this.#answer(path, request, { 'cache-control': 'public, max-age=31536000, immutable', 'content-security-policy': policy })
      : null;
  }

  /** The page in which evidence is exported, without any; null: it is not installed. */
  get evidencePage(): string | null {
    const compressed = this.#files.get(evidence);
    return compressed === undefined ? null : gunzipSync(compressed).toString();
  }

  #answer(name: string, { headers }: NodeRequest, more: Readonly<Record<string, string>>): Response {
    const compressed = this.#files.get(name) ?? new Uint8Array();
    const isAccepted = /\bgzip\b/.test(String(headers['accept-encoding']));
    return new Response(isAccepted ? compressed : new Uint8Array(gunzipSync(compressed)), {
      headers: {
        'content-type': types[extname(name)] ?? 'application/octet-stream',
        vary: 'accept-encoding',
        ...(isAccepted ? { 'content-encoding': 'gzip' } : {}),
        ...more,
      },
    });
  }
}

/** Returns the folder of the console of this installation; null if there is none. */
function consoleFolder(): string | null {
  try {
    const file = fileURLToPath(import.meta.resolve('@countersign/web/index.html'));
    return existsSync(file) ? dirname(file) : null;
  } catch {
    return null;
  }
}

/** The files that the page of the console names. They hold nothing secret. */
export const consoleFile: OpenRoute = {
  method: 'GET',
  path: `/${assets}/:name`,
  handle: async (parts, { params, incoming }) => Promise.resolve(parts.console?.file(params['name'] ?? '', incoming) ?? problem(nothingHere())),
};

/** Returns whether a person opens an address in a browser, where a program would ask for data. */
export function asksForPage({ method, headers }: NodeRequest): boolean {
  return (
    method === 'GET' && (headers['sec-fetch-dest'] === 'document' || (headers['sec-fetch-dest'] === undefined && /\btext\/html\b/.test(headers.accept ?? '')))
  );
}

/** Returns the error of an address at which there is nothing. */
export function nothingHere(): GatewayError {
  return new GatewayError('not_found', 'There is nothing at this address.');
}

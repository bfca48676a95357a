/** `node tools/openapi.ts` writes docs/openapi.json, which a gateway answers at /api/v1/openapi.json. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from '../gateway/src/api/open-api.ts';

const root = join(import.meta.dirname, '..');
const { version }: { readonly version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const file = join(root, 'docs', 'openapi.json');
writeFileSync(file, JSON.stringify(openApiDocument(version)));
execFileSync(join(root, 'node_modules', '.bin', 'oxfmt'), [file]);

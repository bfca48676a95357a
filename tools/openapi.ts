/** `node tools/openapi.ts` writes docs/openapi.json, which a gateway answers at /api/v1/openapi.json, and web/src/api/schema.ts, all that the console knows of it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openApiDocument } from '../gateway/src/api/open-api.ts';
import { schemaModule } from './api-types.ts';

const root = join(import.meta.dirname, '..');
const { version }: { readonly version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const document = JSON.stringify(openApiDocument(version));
const files = [join(root, 'docs', 'openapi.json'), join(root, 'web', 'src', 'api', 'schema.ts')] as const;
writeFileSync(files[0], document);
writeFileSync(files[1], schemaModule(JSON.parse(document)));
execFileSync(join(root, 'node_modules', '.bin', 'oxfmt'), files);

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const cases = z.array(z.string());
const file = z.object({ setup: z.string(), masked: cases, blind: cases, honest: cases });

/** Returns the statements with which a masked column is looked at, and those that make its database. */
export function readMaskedColumns(): z.output<typeof file> {
  return file.parse(parse(readFileSync(join(import.meta.dirname, 'masked-columns.yaml'), 'utf8')));
}

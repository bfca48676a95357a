import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { replaceWholeFile } from '@countersign/gateway/store';
import { Option, type Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseRecordId } from '../arguments.ts';
import { findRecord } from '../names.ts';
import { listOf, sessionPath } from '../session-source.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';

const formats = ['tlog', 'cose', 'scitt'] as const;

interface ReceiptOptions extends LocationOptions {
  readonly format: (typeof formats)[number];
  readonly stamped?: boolean;
  readonly out?: string;
}

export function addReceipt(program: Command): void {
  addLocation(
    program
      .command('receipt')
      .argument('<record>', 'LOG/INDEX, as session show --json prints it, or SESSION#4 for what session show prints as #4', parseRecordId),
  )
    .description('the proof that a record is in the ledger; countersign verify FILE --key KEY checks one in the form of C2SP')
    .addOption(
      new Option('--format <format>', 'tlog: a C2SP tlog-proof; cose: a COSE receipt (RFC 9942) in CBOR; scitt: a signed statement with that receipt')
        .choices(formats)
        .default('tlog'),
    )
    .option('--stamped', 'of the first checkpoint over the record that has a timestamp (countersign timestamp)')
    .option('--out <file>', 'instead of standard output')
    .addHelpText(
      'after',
      '\nExample:\n  countersign receipt 0123456789abcdef/42 > record.tlog-proof\n  countersign receipt 0123456789abcdef/42 --format scitt --out record.cose',
    )
    .action(receipt);
}

async function receipt(record: string, options: ReceiptOptions): Promise<void> {
  const { format, stamped, out } = options;
  if (format !== 'tlog' && out === undefined && process.stdout.isTTY) {
    throw new Error('this form is CBOR, which a terminal does not show: give --out FILE');
  }
  const api = await ApiClient.open(options);
  const id = await findRecord(record, { sessions: (page) => listOf(api, page), records: (session) => api.rows(`${sessionPath(session)}/records`) });
  const pieces = api.chunks(`/api/v1/receipts/${id}?form=${format}${stamped === true ? '&stamped' : ''}`);
  if (out === undefined) {
    await pipeline(Readable.from(pieces), process.stdout, { end: false });
  } else {
    await replaceWholeFile(out, pieces);
  }
}

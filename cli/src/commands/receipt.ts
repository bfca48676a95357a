import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { addLocation, type LocationOptions } from '../location.ts';

export function addReceipt(program: Command): void {
  addLocation(program.command('receipt').argument('<record>', 'LOG/INDEX, as session show prints it'))
    .description('the proof that a record is in the ledger, as a C2SP tlog-proof; countersign verify FILE checks it')
    .addHelpText('after', '\nExample:\n  countersign receipt 0123456789abcdef/42 > record.tlog-proof')
    .action(receipt);
}

async function receipt(record: string, options: LocationOptions): Promise<void> {
  const [, log = '', index = ''] = /^([0-9a-f]{16})\/(\d{1,15})$/.exec(record) ?? [];
  if (log === '') {
    throw new Error(`"${record}" is no record: it looks like 0123456789abcdef/42`);
  }
  process.stdout.write(await new ApiClient(options).text(`/api/receipts/${log}/${index}`));
}

import type { Command } from 'commander';
import { ApiClient } from '../api-client.ts';
import { parseRecordId } from '../arguments.ts';
import { findRecord } from '../names.ts';
import { listOf, sessionPath } from '../session-source.ts';
import { addLocation, type LocationOptions } from '../location-options.ts';

export function addReceipt(program: Command): void {
  addLocation(
    program
      .command('receipt')
      .argument('<record>', 'LOG/INDEX, as session show --json prints it, or SESSION#4 for what session show prints as #4', parseRecordId),
  )
    .description('the proof that a record is in the ledger (C2SP tlog-proof); countersign verify FILE --key KEY checks it')
    .addHelpText('after', '\nExample:\n  countersign receipt 0123456789abcdef/42 > record.tlog-proof')
    .action(receipt);
}

async function receipt(record: string, options: LocationOptions): Promise<void> {
  const api = await ApiClient.open(options);
  const id = await findRecord(record, { sessions: (page) => listOf(api, page), records: (session) => api.rows(`${sessionPath(session)}/records`) });
  process.stdout.write(await api.text(`/api/v1/receipts/${id}`));
}

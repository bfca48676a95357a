import { countOf } from '@countersign/gateway/count-of';
import { receiptHolds, verdictWords, type FileReport, type Finding, type StoreReport, type Verdict } from '@countersign/ledger';
import { bold, escapeControls } from './terminal.ts';

interface PrintedReport {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly findingsDropped: number;
  readonly form?: FileReport['form'];
  readonly keySource?: StoreReport['keySource'] | FileReport['keySource'];
}

/** Prints the verdict of a report, lines about what was verified, and the findings. */
export function printReport(report: PrintedReport, lines: readonly string[]): void {
  const isReceipt = report.form === 'receipt';
  console.log(bold(isReceipt && report.verdict === 'holds' ? receiptHolds : verdictWords[report.verdict]));
  for (const line of lines) {
    console.log(`  ${escapeControls(line, 'nothing')}`);
  }
  for (const { code, where, what } of report.findings) {
    console.log(escapeControls(`  ${code}: ${where}: ${what}`, 'nothing'));
  }
  const [first] = report.findings;
  if (first?.code === 'integrity' && first.where.startsWith('journal/') && report.findings.some(({ code }) => code === 'completeness')) {
    console.log('  Something may count as missing because of the damage above: records after a place where the journal cannot be followed are not counted.');
  }
  if (report.findingsDropped > 0) {
    console.log(`  and ${countOf(report.findingsDropped, 'finding')} more`);
  }
  if (report.keySource === 'store' || report.keySource === 'bundle') {
    console.log(
      '  Without --key, only the agreement with the key inside was checked, not whose key that is. Give log/key of the gateway, kept elsewhere, as --key.',
    );
  }
}

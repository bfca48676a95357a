import { useMutation } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { askFile } from '../../api/ask.ts';
import { Failure } from '../../parts/Failure.tsx';
import { texts } from '../../texts.ts';
import { servedKeys, storedLog, storeLog, withServedKeys } from '../integrity/known-log.ts';
import { checkReceipt, type ReceiptResult } from './check-receipt.ts';

/** Proves, in this browser, that a record is in the log: with a button, because that asks the gateway for a proof. */
export function ReceiptCheck({ record }: { readonly record: string }): ReactNode {
  const check = useMutation({ mutationFn: async () => proveRecord(record) });
  return (
    <>
      <button type="button" disabled={check.isPending} onClick={() => check.mutate()}>
        {texts.session.prove}
      </button>
      <span role="status">{check.data !== undefined && <Result of={check.data} />}</span>
      {check.error !== null && <Failure error={check.error} />}
    </>
  );
}

function Result({ of: { isProven, verdict, findings, size } }: { readonly of: ReceiptResult }): ReactNode {
  return (
    <>
      {' '}
      <span className={`mark ${isProven ? 'low' : 'high'}`}>{isProven ? texts.session.proven : texts.session.notProven}</span> {verdict}.
      {size !== null && ` ${texts.session.provenBy(size)}`} {findings.join('; ')}
    </>
  );
}

async function proveRecord(record: string): Promise<ReceiptResult> {
  const [log = '', index] = record.split('/');
  const receipt = await askFile('GET /api/v1/receipts/{log}/{index}', { path: { log, index: Number(index) } });
  const served = await servedKeys();
  const known = await withServedKeys(storedLog(), served, new Date());
  storeLog(known);
  return checkReceipt(receipt, record, { ...known, keyring: served.keyring });
}

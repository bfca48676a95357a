// oxlint-disable-next-line import/no-unassigned-import -- it must run before all that is imported below
import './node/globals.ts';
import { unescapeLine } from '@countersign/ledger/format';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import '../style.css';
import { EvidenceFile } from './EvidenceFile.tsx';
import { SealedEvidence } from './SealedEvidence.tsx';

/** Nothing is asked of a gateway, so nothing is asked twice. */
const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } });
const place = document.getElementById('page');
const element = document.getElementById('evidence');

if (place !== null && element !== null) {
  const text = element.textContent.slice(1);
  const isSealed = element.getAttribute('type') === 'application/age-encryption';
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        {isSealed ? <SealedEvidence text={text} /> : <EvidenceFile bytes={new TextEncoder().encode(unescapeLine(text))} />}
      </QueryClientProvider>
    </StrictMode>,
  );
}

import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { parseCertificates, verdictWords, type Certificate, type FileReport } from '@countersign/ledger';
import { Recorded } from '../parts/Recorded.tsx';
import { texts } from '../texts.ts';
import { answerFrom } from './ask-file.ts';
import { verifyEvidence } from './archive.ts';
import { EvidencePages } from './EvidencePages.tsx';
import { trustKey } from './known-key.ts';

/** The page: it verifies what is in it, and shows it if it holds. */
export function EvidenceFile({ bytes }: { readonly bytes: Uint8Array }): ReactNode {
  const [key, setKey] = useState<string | null>(null);
  const [authority, setAuthority] = useState<Authority | null>(null);
  const verified = useQuery({
    queryKey: ['verified', key, authority?.pem],
    queryFn: async () => {
      const found = await verifyEvidence(bytes, {
        ...(key === null ? {} : { keys: [key] }),
        ...(authority === null ? {} : { timestamps: authority.certificates }),
      });
      trustKey(key);
      if (found.evidence !== null) {
        answerFrom(found.evidence);
      }
      return found;
    },
  });
  return (
    <main className="evidence">
      {verified.error !== null && <p role="alert">{texts.integrity.noKey(verified.error.message)}</p>}
      {verified.data === undefined ? (
        verified.error === null && <p role="status">{texts.evidence.verifying}</p>
      ) : (
        <>
          <Verdict of={verified.data.report} />
          {verified.data.evidence !== null && <EvidencePages key={key ?? ''} evidence={verified.data.evidence} report={verified.data.report} />}
        </>
      )}
      <KeyForm onGiven={setKey} />
      <AuthorityForm onGiven={setAuthority} />
    </main>
  );
}

function Verdict({ of: { verdict, findings, keySource } }: { readonly of: FileReport }): ReactNode {
  return (
    <header>
      <h1 className={verdict === 'holds' ? 'verdict holds' : 'verdict'}>{verdictWords[verdict]}</h1>
      <ul>
        {findings.map(({ code, where, what }) => (
          <li key={`${code} ${where} ${what}`}>
            {code}: <Recorded text={`${where} ${what}`} />
          </li>
        ))}
      </ul>
      {verdict === 'holds' ? <p>{texts.evidence.key[keySource === 'given' ? 'given' : 'bundle']}</p> : <p>{texts.evidence.broken}</p>}
    </header>
  );
}

function KeyForm({ onGiven }: { readonly onGiven: (key: string | null) => void }): ReactNode {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const key = new FormData(event.currentTarget).get('key');
        onGiven(typeof key === 'string' && key.trim() !== '' ? key.trim() : null);
      }}
    >
      <label>
        {texts.integrity.give} <input name="key" autoComplete="off" spellCheck={false} />
      </label>{' '}
      <button type="submit">{texts.integrity.trust}</button>
    </form>
  );
}

interface Authority {
  readonly pem: string;
  readonly certificates: readonly Certificate[];
}

function AuthorityForm({ onGiven }: { readonly onGiven: (authority: Authority | null) => void }): ReactNode {
  const [fault, setFault] = useState<string | null>(null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const given = new FormData(event.currentTarget).get('authority');
        const pem = typeof given === 'string' ? given.trim() : '';
        try {
          onGiven(pem === '' ? null : { pem, certificates: parseCertificates(new TextEncoder().encode(pem)) });
          setFault(null);
        } catch (error) {
          setFault(texts.evidence.noAuthority(error instanceof Error ? error.message : String(error)));
        }
      }}
    >
      <label>
        {texts.evidence.authority} <textarea name="authority" rows={3} autoComplete="off" spellCheck={false} />
      </label>{' '}
      <button type="submit">{texts.evidence.checkTimestamp}</button>
      {fault !== null && <p role="alert">{fault}</p>}
    </form>
  );
}

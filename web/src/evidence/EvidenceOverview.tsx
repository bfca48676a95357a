import type { FileReport, ParsedRecord } from '@countersign/ledger';
import { Link } from '@tanstack/react-router';
import { useMemo, type ReactNode } from 'react';
import { Recorded } from '../parts/Recorded.tsx';
import { Time } from '../parts/Time.tsx';
import { texts } from '../texts.ts';
import { showSession, type Evidence } from './archive.ts';
import { withheldIn } from './erased.ts';
import { WithheldList } from './WithheldList.tsx';

/** The first page: it says what the evidence is, what it proves and what is withheld, and lists the sessions in it. */
export function EvidenceOverview({ evidence, report }: { readonly evidence: Evidence; readonly report: FileReport }): ReactNode {
  const { header, sessions, governance } = evidence;
  const withheld = useMemo(() => sessions.flatMap((session) => withheldIn(session, evidence)), [sessions, evidence]);
  const query = [header.withhold, header.withholdFacts].filter((text) => text !== '').join('; ');
  return (
    <>
      <p>{texts.evidence.counts(sessions.length, report.counts.records, report.logSize ?? 0)}</p>
      <p>
        {texts.evidence.asked}:{' '}
        <Recorded text={`${header.query === '' ? texts.evidence.all : header.query}${texts.evidence.period(header.since, header.until)}`} />
        {' · '}
        {texts.evidence.log} <code>{header.log}</code>
      </p>
      <h2>{texts.evidence.proven}</h2>
      <ul>
        <li>{texts.evidence.provenWhole}</li>
        <li>{texts.evidence.provenBodies}</li>
        {withheld.length > 0 && <li>{texts.evidence.provenWithheld}</li>}
        {report.timestamp !== undefined && (
          <li>
            {texts.evidence.provenTime(new Date(report.timestamp.timeMs).toISOString(), report.timestamp.accuracyMs)}{' '}
            <Recorded text={report.timestamp.authority} />
          </li>
        )}
      </ul>
      <h2>{texts.evidence.unproven}</h2>
      <ul>
        <li>{texts.evidence.unprovenSessions}</li>
        <li>{texts.evidence.unprovenPast}</li>
        <li>{texts.evidence.unprovenRetention}</li>
        {report.timestamp === undefined && <li>{texts.evidence.unprovenTime}</li>}
      </ul>
      <h2>{texts.evidence.withheld}</h2>
      <WithheldList of={withheld} query={query} />
      {report.counts.factsOnly > 0 && <p>{texts.evidence.unkept(report.counts.factsOnly)}</p>}
      <h2>{texts.evidence.sessions}</h2>
      <Sessions evidence={evidence} />
      {governance.length > 0 && (
        <>
          <h2>{texts.evidence.governance}</h2>
          <Governance records={governance} />
        </>
      )}
    </>
  );
}

function Sessions({ evidence }: { readonly evidence: Evidence }): ReactNode {
  const rows = useMemo(
    () =>
      evidence.sessions.map((session) => {
        const { records } = showSession(session);
        return {
          id: session.session,
          began: records[0]?.time ?? '',
          of: records.find(({ principal }) => principal !== null)?.principal ?? '',
          targets: [...new Set(records.flatMap(({ target }) => target ?? []))].join(', '),
          records: records.length,
          withheld: withheldIn(session, evidence).length,
        };
      }),
    [evidence],
  );
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            <th>{texts.evidence.began}</th>
            <th>{texts.evidence.of}</th>
            <th>{texts.evidence.targets}</th>
            <th>{texts.evidence.records}</th>
            <th>{texts.evidence.withheldCount}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, began, of, targets, records, withheld }) => (
            <tr key={id}>
              <td>
                <Link to="/sessions/$session" params={{ session: id }}>
                  <Time of={began} />
                </Link>
              </td>
              <td>
                <Recorded text={of} />
              </td>
              <td>
                <Recorded text={targets} />
              </td>
              <td>{records}</td>
              <td>{withheld}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Governance({ records }: { readonly records: readonly ParsedRecord[] }): ReactNode {
  const shown = useMemo(() => showSession({ records }).records, [records]);
  return (
    <div className="wide">
      <table>
        <thead>
          <tr>
            <th>{texts.evidence.record}</th>
            <th>{texts.evidence.time}</th>
            <th>{texts.evidence.kind}</th>
            <th>{texts.evidence.stated}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ record, time, kind, content }) => (
            <tr key={record}>
              <td>
                <code>{record}</code>
              </td>
              <td>
                <Time of={time} />
              </td>
              <td>{kind}</td>
              <td>
                <Recorded text={content?.text ?? ''} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Verifies evidence: the bundles of many sessions under one checkpoint. Codes: docs/formats/verification.md. */
import {
  bundleLineBytesMax,
  isBundle,
  isBundleCheckpoint,
  isBundlePolicy,
  parseBundleCheckpoint,
  parseBundleHeader,
  parseBundlePolicy,
  parseBundleRecord,
  type BundleHeader,
} from './bundle.ts';
import { BundleCheck, checkSigned, type CheckedNote } from './bundle-check.ts';
import { parseEvidenceHeader, type EvidenceHeader } from './evidence.ts';
import { checkAge, emptyReport, nameOf, type FileOptions, type FileReport, type OpenFile } from './file-report.ts';
import type { LeafKind } from './leaf.ts';
import { findLastLine, splitLines } from './lines.ts';
import { openGivenKeys } from './keyring.ts';
import { MalformedError } from './malformed.ts';
import { decodeUtf8 } from './text.ts';
import { Findings, orMalformedLater } from './verdict.ts';

/** The kinds of records that are there beside the whole sessions. */
const besides: ReadonlySet<LeafKind> = new Set<LeafKind>(['keep', 'hold', 'erasure']);

/** Verifies evidence in two passes, as a bundle. Rejects with `MalformedError` only if `options.keys` are malformed. */
export async function verifyEvidence(open: OpenFile, options: FileOptions): Promise<FileReport> {
  await openGivenKeys(options.keys ?? []);
  const findings = new Findings();
  const check = await orMalformedLater(findings, 'evidence', async () => {
    const checkpoint = parseBundleCheckpoint(decodeUtf8(await findLastLine(open(), bundleLineBytesMax)));
    for await (const line of splitLines(open(), bundleLineBytesMax)) {
      const header = parseEvidenceHeader(decodeUtf8(line));
      return new EvidenceCheck(header, checkpoint, { note: await checkSigned(header, checkpoint, options, findings), options, findings });
    }
    throw new MalformedError('empty evidence');
  });
  if (check === undefined) {
    return { ...emptyReport(findings), form: 'evidence', keySource: options.keys === undefined ? 'bundle' : 'given' };
  }
  await orMalformedLater(findings, 'evidence', async () => {
    let isFirst = true;
    for await (const line of splitLines(open(), bundleLineBytesMax)) {
      if (!isFirst) {
        check.add(line);
      }
      isFirst = false;
    }
    check.finish();
  });
  return check.report();
}

interface CheckParts {
  readonly note: CheckedNote;
  readonly options: FileOptions;
  readonly findings: Findings;
}

/** Checks the bundles one after the other. */
class EvidenceCheck {
  readonly #header: EvidenceHeader;
  readonly #checkpoint: string;
  readonly #parts: CheckParts;
  #bundle: { readonly header: BundleHeader; readonly check: BundleCheck } | null = null;
  readonly #reports: FileReport[] = [];
  /** The ids of the sessions, each with whether it is whole. */
  readonly #sessions = new Map<string, boolean>();

  constructor(header: EvidenceHeader, checkpoint: string, parts: CheckParts) {
    this.#header = header;
    this.#checkpoint = checkpoint;
    this.#parts = parts;
  }

  /** Adds a line, which is given without its newline. Throws `MalformedError`. */
  add(line: Uint8Array): void {
    const text = decodeUtf8(line);
    if (isBundle(line)) {
      this.#begin(parseBundleHeader(text));
      return;
    }
    if (this.#bundle === null) {
      throw new MalformedError('a line of evidence outside of its bundles');
    }
    const { header, check } = this.#bundle;
    if (isBundleCheckpoint(text)) {
      if (parseBundleCheckpoint(text) !== this.#checkpoint) {
        throw new MalformedError('evidence with two checkpoints');
      }
      this.#reports.push(check.finish());
      this.#bundle = null;
    } else if (isBundlePolicy(text)) {
      check.addPolicy(parseBundlePolicy(text));
    } else {
      const record = parseBundleRecord(text);
      check.add(record);
      if (header.scope === 'records' && !besides.has(record.decoded.kind)) {
        // A part of a session would pass for the whole.
        this.#parts.findings.add('integrity', nameOf(record), `is of the kind ${record.decoded.kind}, and not in the bundle of a whole session`);
      }
      this.#parts.options.onRecord?.(record);
    }
  }

  #begin(header: BundleHeader): void {
    const { log, key } = this.#header;
    if (this.#bundle !== null || header.log !== log || header.key !== key || header.keyring !== null) {
      throw new MalformedError('a bundle that is not of this evidence');
    }
    if (this.#sessions.has(header.session)) {
      throw new MalformedError('evidence with a session twice');
    }
    const { note, options, findings } = this.#parts;
    this.#sessions.set(header.session, header.scope === 'session');
    this.#bundle = { header, check: BundleCheck.under(header, note, { ...options, maxAgeMs: Infinity }, findings) };
  }

  /** Ends the check after the last line. Throws `MalformedError`. */
  finish(): void {
    if (this.#bundle !== null) {
      throw new MalformedError('evidence that ends within a bundle');
    }
    checkAge(this.#newestMs(), this.#parts.options, this.#parts.findings);
    const whole = this.#wholeSessions();
    const { sessions } = this.#header;
    if (whole !== sessions) {
      this.#parts.findings.add(whole < sessions ? 'completeness' : 'integrity', 'evidence', `the count of sessions is ${whole}, not ${sessions}`);
    }
  }

  #wholeSessions(): number {
    return [...this.#sessions.values()].filter((isWhole) => isWhole).length;
  }

  #newestMs(): number {
    return this.#reports.reduce((newest, report) => Math.max(newest, report.newestMs ?? 0), 0);
  }

  /** Returns the report on what was read. */
  report(): FileReport {
    const { findings, options, note } = this.#parts;
    const reports = this.#bundle === null ? this.#reports : [...this.#reports, this.#bundle.check.report()];
    const sum = (of: (report: FileReport) => number): number => reports.reduce((total, report) => total + of(report), 0);
    const withPolicies = reports.filter(({ policies }) => policies !== undefined);
    return {
      ...emptyReport(findings),
      form: 'evidence',
      keySource: options.keys === undefined ? 'bundle' : 'given',
      log: this.#header.log,
      sessions: this.#wholeSessions(),
      extent: reports.some(({ extent }) => extent === 'open') ? 'open' : 'closed',
      counts: {
        records: sum(({ counts }) => counts.records),
        opened: sum(({ counts }) => counts.opened),
        withheld: sum(({ counts }) => counts.withheld),
        factsOnly: sum(({ counts }) => counts.factsOnly),
      },
      ...(withPolicies.length === 0 ? {} : { policies: sum(({ policies }) => policies ?? 0) }),
      ...(note.signed === undefined ? {} : { logSize: note.signed.size }),
      ...(note.known === undefined ? {} : { known: note.known }),
      ...(note.timestamp === undefined ? {} : { timestamp: note.timestamp }),
      ...(this.#reports.length === 0 ? {} : { newestMs: this.#newestMs() }),
    };
  }
}

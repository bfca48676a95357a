import { evidence, type EvidenceName } from './evidence.ts';
import type { Report } from './report.ts';
import type { ReportedSettings } from './setting-checks.ts';

/** A record that shows something. */
interface ReportedRecord {
  /** `LOG/INDEX`. */
  readonly record: string;
  readonly time: string;
  readonly principal: string | null;
  readonly target: string | null;
  readonly kind: string;
  readonly action: string | null;
  readonly verdict: string | null;
}

/** The newest records that a search found, and how many there are. */
export interface FoundEvidence {
  readonly count: number;
  readonly records: readonly ReportedRecord[];
  /** How many of the newest are not shown, because they are not what the log commits to. */
  readonly unproven: number;
  /** How many records are not in the index yet, so that they are not counted. Null: some, but how many is not for who sees only a part of the records. */
  readonly behind: number | null;
}

interface FilledEvidence extends Omit<FoundEvidence, 'behind'> {
  readonly shows: string;
  readonly query: string;
  /** Says how it is to be understood that there is none; null: there is some. */
  readonly absent: string | null;
}

interface FilledRequirement {
  readonly clause: string;
  readonly asks: string;
  readonly evidence: readonly FilledEvidence[];
  /** Sentences on how the configuration in force meets it, and on how it does not. */
  readonly says: readonly string[];
  readonly lacks: readonly string[];
  readonly beyond: string | null;
}

/** A report with what was found. */
export interface FilledReport extends Pick<Report, 'name' | 'title' | 'about'>, Pick<FoundEvidence, 'behind'> {
  readonly requirements: readonly FilledRequirement[];
}

/** Fills a report with what a search finds, and with what the configuration says. Each query is asked once. Rejects as the search does. */
export async function fillReport(
  { name, title, about, requirements }: Report,
  { search, settings }: { readonly search: (query: string) => Promise<FoundEvidence>; readonly settings: ReportedSettings },
): Promise<FilledReport> {
  const found = new Map<EvidenceName, FilledEvidence>();
  const filled: FilledRequirement[] = [];
  let behind: FoundEvidence['behind'] = 0;
  for (const { clause, asks, evidence: names, settings: checks, beyond } of requirements) {
    for (const each of names) {
      if (!found.has(each)) {
        const { shows, query, absent } = evidence[each];
        const { behind: more, ...rest } = await search(query);
        behind = behind === null || more === null ? null : Math.max(behind, more);
        found.set(each, { shows, query, ...rest, absent: rest.count === 0 ? absent : null });
      }
    }
    const answers = checks.map((check) => check(settings));
    filled.push({
      clause,
      asks,
      evidence: names.flatMap((each) => found.get(each) ?? []),
      says: answers.flatMap(({ says }) => says),
      lacks: answers.flatMap(({ lacks }) => lacks),
      beyond: beyond ?? null,
    });
  }
  return { name, title, about, behind, requirements: filled };
}

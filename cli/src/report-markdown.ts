import type { MadeReport } from '@countersign/gateway/api';
import { countOf } from '@countersign/gateway/count-of';
import { escapeControls } from './terminal.ts';

type Requirement = MadeReport['requirements'][number];
type Evidence = Requirement['evidence'][number];

/** Prints a report as Markdown: each requirement, what shows something for it, and what is missing; at the end the proofs. */
export function reportMarkdown(report: MadeReport): string {
  const { title, about, time, isPartial, behind, requirements } = report;
  return [
    `# ${escaped(title)}`,
    escaped(about),
    `Made at ${time} of the records ${periodOf(report)}. It says what the record and the configuration in force show, and judges nothing.`,
    ...(isPartial ? ['**Whoever made it sees only a part of the records, and it says nothing of the others.**'] : []),
    ...(behind === 0 ? [] : [`**${behind === null ? 'Some records' : countOf(behind, 'record')} could not be searched yet: make it again later.**`]),
    ...requirements.flatMap(requirementLines),
    ...proofLines(report),
  ]
    .join('\n\n')
    .concat('\n');
}

function periodOf({ since, until }: MadeReport): string {
  return since === null && until === null
    ? 'of all times'
    : [since === null ? '' : `from ${since} on`, until === null ? '' : `up to ${until}`].filter((text) => text !== '').join(' ');
}

function requirementLines({ clause, asks, evidence, says, lacks, beyond }: Requirement): readonly string[] {
  return [
    `## ${escaped(clause)}`,
    escaped(asks),
    ...(evidence.length === 0 ? [] : [evidence.map(evidenceLines).join('\n')]),
    ...(says.length === 0 ? [] : [says.map((text) => `- In force: ${escaped(text)}`).join('\n')]),
    ...(lacks.length === 0 ? [] : [lacks.map((text) => `- **Missing**: ${escaped(text)}`).join('\n')]),
    ...(beyond === null ? [] : [`- Not shown by any record: ${escaped(beyond)}`]),
  ];
}

function evidenceLines({ shows, query, count, absent, records, unproven }: Evidence): string {
  const first = `- ${escaped(shows)}: ${countOf(count, 'record')} (${code(query)})${absent === null ? '' : `. **None**: ${escaped(absent)}`}`;
  const damaged =
    unproven === 0
      ? []
      : [
          `  - **${countOf(unproven, 'record')} of the newest ${unproven === 1 ? 'is' : 'are'} not as the log has ${unproven === 1 ? 'it' : 'them'}**: countersign verify says more.`,
        ];
  return [first, ...records.map(recordLine), ...damaged].join('\n');
}

function recordLine({ record, time, principal, target, kind, action, verdict }: Evidence['records'][number]): string {
  const parts = [kind, action, verdict, principal === null ? null : `by ${principal}`, target === null ? null : `at ${target}`];
  return `  - ${code(record)} ${time} ${escaped(parts.filter((part) => part !== null && part !== '').join(' '))}`;
}

/** Prints the checkpoint and the receipts, as blocks that can be cut out and given to `countersign verify`. */
function proofLines({ checkpoint, receipts }: MadeReport): readonly string[] {
  const names = Object.keys(receipts);
  return [
    '## Proofs',
    'The records are in the log under this signed checkpoint:',
    block(checkpoint),
    ...(names.length === 0
      ? []
      : [
          'Each block below, with that checkpoint behind it, is a receipt: `countersign verify FILE --key KEY` checks it. `countersign receipt LOG/INDEX` gives a newer one.',
        ]),
    ...names.map((name) => `${code(name)}\n\n${block(receipts[name] ?? '')}`),
  ];
}

function block(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}

/** Texts of records may have backticks, which would end the code. */
function code(text: string): string {
  return `\`${escapeControls(text.replaceAll('`', "'"), 'nothing')}\``;
}

/** Writes a text so that no mark of Markdown or HTML is in it, and no line ends. */
function escaped(text: string): string {
  return escapeControls(text.replaceAll(/\s+/g, ' '), 'nothing').replaceAll(/[\\`*_[\]<>#|&]/g, String.raw`\$&`);
}

import { countOf } from '@countersign/gateway/count-of';
import { findData } from '@countersign/gateway/location';
import { ownAttributes } from '@countersign/gateway/own-attributes';
import type { ShownRecord } from '@countersign/gateway/api';
import type { Command } from 'commander';
import { open } from 'node:fs/promises';
import { ApiClient } from '../api-client.ts';
import { parseRecordId } from '../arguments.ts';
import { loadConfig } from '../configuration.ts';
import { parseDuration } from '../duration.ts';
import { addBundle, addLocation, configOption, type LocationOptions } from '../location-options.ts';
import { unkeptText } from '@countersign/gateway/comparison';
import { findRecord } from '../names.ts';
import { columns, printRows, type RowOptions } from '../rows.ts';
import { findRunning } from '../location.ts';
import { openSource, type SourceOptions } from '../session-source.ts';
import { escapeControls } from '../terminal.ts';

export function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('what may be done: the policies in Cedar, and the grants')
    .addHelpText('after', '\nExample:\n  countersign policy check');
  policy
    .command('check')
    .argument('[path]', 'a directory with *.cedar files, or one file, in place of that of the configuration')
    .description('say whether policies could be put into force, which can never do what they are written for, and what is odd about them')
    .addOption(configOption())
    .addHelpText(
      'after',
      '\nChanges nothing. Exits with 1 if they could not be put into force, or if one can never apply, is overruled by another or names who cannot approve; else with 0.\n\nExample:\n  countersign policy check ./policies',
    )
    .action(check);
  addLocation(policy.command('show'))
    .description('all policies in force, the grants included, as text in Cedar')
    .addHelpText('after', '\nIf no gateway runs, those that the configuration names.\n\nExample:\n  countersign policy show')
    .action(show);
  policy
    .command('test')
    .argument(
      '<file>',
      'cases in YAML: principal, target, action, text or context, expect; where it matters also name, policy, record, mask, mask_request, onBehalfOf, session, clientAddress, time; of recordings classes and own',
    )
    .description('decide cases and compare each verdict with the expected one')
    .addOption(configOption())
    .option('--policies <path>', 'a directory or a file in place of that of the configuration')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nExits with 0 if all are as expected, else with 1. docs/policy.md has cases, examples/policies has more.\n\nExample:\n  countersign policy test policies/cases.yaml',
    )
    .action(test);
  policy
    .command('try')
    .argument('<path>', 'a directory with *.cedar files, or one file')
    .addOption(configOption())
    .description('say which recorded requests these policies would have decided otherwise')
    .option('--since <duration>', 'only sessions that were opened in the last 90d, 12h ...', parseDuration)
    .option('--query <query>', 'only requests for which it holds, as "table:customers"; countersign search --help says more')
    .option('--json', 'one JSON object a line')
    .addHelpText(
      'after',
      '\nChanges nothing. The grants, the targets and the groups are those of the configuration. Requests are counted by principal, target, action and verdict.\n\nExample:\n  countersign policy try ./stricter --since 90d',
    )
    .action(tryOut);
  addBundle(
    addLocation(
      policy
        .command('explain')
        .argument('<record>', 'LOG/INDEX, as session show --json prints it, or SESSION#4 for what session show prints as #4', parseRecordId),
    ),
    'read the record and the policies from this file of session export --policies, without a gateway',
  )
    .description('why a recorded request was decided as it was, or which policies had a say in a reading, by the version that was in force')
    .addHelpText(
      'after',
      '\nExample:\n  countersign policy explain 0123456789abcdef/42\n  countersign policy explain 0123456789abcdef/42 --bundle session.bundle --key log.key',
    )
    .action(explain);
}

async function check(path: string | undefined, options: { readonly config: string }): Promise<void> {
  const config = await loadConfig(options);
  const { checkPolicies } = await import('@countersign/gateway/policy');
  const { files, policies, problems, warnings, conflicts } = checkPolicies(config, path ?? config.policies);
  for (const line of warnings) {
    console.log(escapeControls(`NOTE       ${line}`, 'nothing'));
  }
  if (problems.length + conflicts.length > 0) {
    throw new Error([...problems, ...conflicts].join('\n'));
  }
  console.log(
    files === 0
      ? 'there are no policies but the grants: policies: in the configuration names a directory'
      : `${countOf(policies, 'policy', 'policies')} in ${countOf(files, 'file')} ${policies === 1 ? 'is' : 'are'} valid`,
  );
}

async function show(options: LocationOptions): Promise<void> {
  process.stdout.write(escapeControls(await textInForce(options), 'lines'));
}

async function textInForce(options: LocationOptions): Promise<string> {
  if (options.url === undefined && findRunning(findData(options.config)) === null) {
    process.stderr.write('No gateway runs: these are the policies that the configuration names.\n');
    const config = await loadConfig(options);
    return (await import('@countersign/gateway/policy')).configuredPolicy(config).text;
  }
  const { text, refused } = await (await ApiClient.open(options)).json<{ readonly text: string; readonly refused: string | null }>('GET', '/api/v1/policy');
  if (refused !== null) {
    process.stderr.write(
      escapeControls(`NOTE       The files as they are now were refused. What is printed was in force before, and still is.\n${refused}\n`, 'lines'),
    );
  }
  return text;
}

interface TestOptions extends RowOptions {
  readonly config: string;
  readonly policies?: string;
}

async function test(file: string, options: TestOptions): Promise<void> {
  const config = await loadConfig(options);
  const { configuredPolicy, testPolicy } = await import('@countersign/gateway/policy');
  const outcomes = await testPolicy(file, config, configuredPolicy(config, options.policies ?? config.policies));
  const rows = outcomes.map(({ decision, ...outcome }) => ({
    ...outcome,
    verdict: decision?.verdict ?? null,
    policies: decision?.policies ?? [],
    reason: decision?.reason ?? null,
  }));
  await printRows(rows, options, ({ name, verdict, policies, unreached, difference }) => {
    const line = difference === null ? `ok    ${name}: ${verdict} by ${policies.join(', ') || 'no permit'}` : `FAIL  ${name}: ${difference}`;
    return escapeControls(unreached === null ? line : `${line}; but ${unreached}`, 'nothing');
  });
  const failed = rows.filter(({ difference }) => difference !== null).length;
  if (failed > 0) {
    throw new Error(`${failed} of ${countOf(rows.length, 'case')} ${failed === 1 ? 'is' : 'are'} not as expected`);
  }
}

interface TryOptions extends SourceOptions, RowOptions {
  readonly since?: number;
  readonly query?: string;
}

async function tryOut(path: string, options: TryOptions): Promise<void> {
  const config = await loadConfig(options);
  const { ChangedVerdicts, configuredPolicy, PolicyTrial } = await import('@countersign/gateway/policy');
  const trial = new PolicyTrial(config, configuredPolicy(config, path));
  await using source = await openSource(options);
  const from = options.since === undefined ? 0 : Date.now() - options.since;
  const wanted = options.query === undefined ? null : await recordsFor(options.query, options);
  const changed = new ChangedVerdicts();
  for await (const { session, opened } of source.sessions({ which: 'clients' })) {
    if (Date.parse(opened) >= from && wanted?.has(session) !== false) {
      trial.begin();
      for await (const record of source.records(session)) {
        const found = trial.take(record, wanted?.get(session)?.has(record.record) !== false);
        if (found !== null) {
          changed.add(found);
        }
      }
    }
  }
  await printRows(changed.groups(), options, ({ principal, target, action, was, would, policies, requests, record }) =>
    columns(principal, target, action, `${was} -> ${would}`, policies, countOf(requests, 'request'), `${requests === 1 ? '' : 'newest '}record ${record}`),
  );
  if (options.json !== true) {
    const { requests, undecided } = trial.counts;
    const unclear = undecided.reduce((sum, each) => sum + each.requests, 0);
    console.log(`${changed.requests} of ${countOf(requests, 'recorded request')} would have been decided otherwise; ${unclear} cannot be decided again`);
    for (const { why, requests: count, record } of undecided) {
      console.log(columns(countOf(count, 'request'), why, record));
    }
  }
}

/** Returns the names of the records for which a query holds, by their sessions. */
async function recordsFor(query: string, options: LocationOptions): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const api = await ApiClient.open(options);
  const found = new Map<string, Set<string>>();
  for await (const { session, record } of api.rows<{ readonly session: string; readonly record: string }>(
    `/api/v1/export?form=rows&${new URLSearchParams({ query }).toString()}`,
  )) {
    found.set(session, (found.get(session) ?? new Set()).add(record));
  }
  return found;
}

interface ExplainOptions extends SourceOptions {
  readonly bundle?: string;
  readonly key: readonly string[];
}

async function explain(wanted: string, options: ExplainOptions): Promise<void> {
  if (options.bundle !== undefined) {
    await using handle = await open(options.bundle, 'r');
    const { openBundle, recordIn } = await import('../bundle-source.ts');
    const bundle = await openBundle(options.bundle, handle, options);
    const found = await recordIn(bundle, wanted, options.bundle);
    await printExplanation(found, wanted, async (version) => {
      const text = await bundle.policyText(version);
      if (text === null) {
        process.stderr.write(
          escapeControls(`${options.bundle} has no policies of this version: countersign session export --policies puts them into a bundle\n`, 'lines'),
        );
      }
      return text ?? undefined;
    });
    return;
  }
  await using source = await openSource(options);
  const found = await source.record(await findRecord(wanted, source));
  await printExplanation(found, wanted, async (version) => (await source.policyRecord(version)).content?.text);
}

async function printExplanation(found: ShownRecord, wanted: string, findText: (version: string) => Promise<string | undefined>): Promise<void> {
  const { kind, principal, target, action, verdict, policies, attributes } = found;
  if (verdict === null && policies.length === 0) {
    const asked = attributes[ownAttributes.request];
    const hint = typeof asked === 'number' ? ` It belongs to a request: countersign policy explain ${found.session.slice(0, 8)}#${asked}` : '';
    console.log(escapeControls(`${found.record ?? wanted} is a record of the kind ${kind}, about which no policy decided.${hint}`, 'nothing'));
    return;
  }
  const version = String(attributes[ownAttributes.policyVersion] ?? '');
  console.log(columns(found.record, principal ?? '', target ?? '', action ?? '', verdict ?? '', policies));
  const reason = attributes[ownAttributes.reason];
  if (typeof reason === 'string') {
    console.log(`reason   ${escapeControls(reason, 'nothing')}`);
  }
  const unkept = unkeptText(found);
  if (unkept !== null) {
    console.log(`record   ${escapeControls(unkept, 'nothing')}`);
  }
  console.log(`version  ${version || 'not recorded'}`);
  const text = version === '' ? '' : await findText(version);
  const { namedPolicies } = await import('@countersign/gateway/policy');
  for (const named of namedPolicies(text ?? '', policies)) {
    console.log(escapeControls(named, 'lines'));
  }
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseQuery } from '../query/parse-query.ts';
import { isEverything } from '../query/query.ts';
import { reports } from './catalogue.ts';
import { evidence } from './evidence.ts';

test('each requirement of each report names its clause, what is asked for, and what shows or lacks something for it', () => {
  const names = reports.map(({ name }) => name);
  assert.deepEqual([...new Set(names)], names);
  assert.ok(names.every((name) => /^[a-z0-9-]{1,64}$/.test(name)));
  for (const { name, title, about, requirements } of reports) {
    assert.ok(title !== '' && about !== '' && requirements.length > 0, name);
    for (const { clause, asks, evidence: shown, settings } of requirements) {
      assert.match(clause, /\d/, `${name}: ${clause}`);
      assert.match(asks, /\.$/, `${name}: ${clause}`);
      assert.ok(shown.length + settings.length > 0, `${name}: ${clause}`);
    }
  }
});

test('each query of the evidence can be read, and each is used by a report', () => {
  const used = new Set(reports.flatMap(({ requirements }) => requirements.flatMap(({ evidence: names }) => names)));
  for (const [name, { shows, query, absent }] of Object.entries(evidence)) {
    assert.ok(!isEverything(parseQuery(query, 0)), name);
    assert.match(shows, /^[A-Z]/, name);
    assert.match(absent, /\.$/, name);
  }
  assert.deepEqual([...used].toSorted(), Object.keys(evidence).toSorted());
});

/** The words that decide what a clause asks for, as the texts have them: numbers, periods, who is bound, and how strictly. */
const decisive: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  aarm: {
    about: /1\.0 of February 2026/,
    R1: /before it is executed, and none bypasses/,
    R3: /its alignment with the stated intent/,
    R4: /exactly one of five decisions: ALLOW, DENY, MODIFY, STEP_UP or DEFER\./,
    R6: /bound by cryptography to the identity of one agent/,
  },
  'eu-ai-act': {
    about: /2024\/1689.*2026\/1744.*Annex III from 2 December 2027.*Annex I from 2 August 2028/,
    'Article 12(1)': /allows events to be recorded automatically over its lifetime/,
    'Article 19(1)': /^Providers .*at least six months, unless other law says otherwise/,
    'Article 26(2)': /^Deployers assign human oversight to natural persons .*competence, training, authority and support/,
    'Article 26(5)':
      /^Deployers .*without undue delay, and suspend the use.*immediately inform first the provider, then the importer or distributor and the authorities/,
    'Article 26(6)': /^Deployers .*at least six months, unless other law says otherwise/,
  },
  gdpr: {
    about: /by controllers \(30\(1\)\).*by controllers and processors \(32\).*30\(2\)/,
    'Article 30(1)(d)': /have been or will be disclosed, those in third countries and international organisations/,
    'Article 30(1)(f)': /where possible, the envisaged time limits for erasure/,
    'Article 30(1)(g)': /where possible, the technical and organisational security measures of Article 32\(1\)/,
    'Article 32(1)(a)': /As appropriate to the risk: the pseudonymisation and encryption/,
    'Article 32(1)(b)': /ongoing confidentiality, integrity, availability and resilience/,
    'Article 32(1)(c)': /physical or technical incident.*in a timely manner/,
    'Article 32(1)(d)': /tested, assessed and evaluated regularly/,
    'Article 32(4)': /^Controllers and processors .*instructions of the controller alone, unless Union or Member State law requires it/,
  },
  hipaa: {
    about: /by covered entities and business associates/,
    '45 CFR 164.316(b)(2)(i)': /kept for 6 years from its creation, or from when it was last in effect, whichever is later/,
    '45 CFR 164.316(b)(2)(iii)': /reviewed periodically/,
  },
  'iso-27001': {
    about: /text that you have bought/,
    'A.8.15, produced': /activities, exceptions, faults and other relevant events/,
    'A.8.17': /approved sources of time/,
  },
  'nist-800-53': {
    about: /without AU-1, AU-13 and AU-16/,
    'AU-3': /type of event, when and where it occurred, its source, its outcome, and the identity/,
    'AU-5(4)': /shuts down, wholly or partly, or goes on in a degraded mode, unless there is another way of logging/,
    'AU-8': /in UTC or with a known offset from it/,
    'AU-10': /irrefutable evidence that an individual, or a process acting for one/,
    'AU-12(1)': /correlated in time within a tolerance/,
    'AU-14': /record, view, hear or log the content .*legal counsel/,
  },
  'pci-dss': {
    about: /compare them with the standard/,
    '10.2.1': /all system components and cardholder data/,
    '10.2.2': /user, type of event, date and time, success or failure, origin/,
    '10.3.3': /secure, central, internal log server or other media that are difficult to modify/,
    '10.4.1': /at least once daily: all security events/,
    '10.4.2': /all other system components.*targeted risk analysis says \(10\.4\.2\.1\)/,
    '10.5.1': /at least 12 months, and at least the most recent three months are immediately available/,
    '10.7.2': /promptly/,
    '10.7.3': /promptly: .*duration, cause and remediation/,
  },
  'sec-17a-4': {
    about: /as amended in 2022.*not less than six years, the time of \(a\), the first two of them in an easily accessible place/,
    '17a-4(f)(2)(i)(A)': /complete time-stamped audit trail: all modifications and deletions .*by whom, if applicable/,
    '17a-4(f)(2)(i)(B)': /^Or .*exclusively in a format that cannot be rewritten or erased/,
    '17a-4(f)(2)(ii)': /completeness and accuracy of the processes .*verified automatically/,
    '17a-4(f)(2)(iii)': /^If applicable/,
    '17a-4(f)(2)(iv)': /human readable format and in a reasonably usable electronic format/,
    '17a-4(f)(2)(v)': /or other redundancy/,
  },
  'soc-2': {
    about: /of 2017 with the points of focus of 2022.*text of the AICPA/,
    'CC6.3': /least privilege and segregation of duties/,
    'CC6.8': /prevented, or detected and acted upon/,
    'CC7.2': /malicious acts, natural disasters or errors/,
    'CC7.4': /defined programme, to understand, contain, remediate and communicate/,
  },
};

test('the words that decide what a clause asks for are those of the texts', () => {
  assert.deepEqual(
    Object.keys(decisive),
    reports.map(({ name }) => name),
  );
  for (const { name, about, requirements } of reports) {
    for (const [clause, words] of Object.entries(decisive[name] ?? {})) {
      const text = clause === 'about' ? about : requirements.find((each) => each.clause === clause)?.asks;
      assert.match(text ?? '', words, `${name}: ${clause}`);
    }
  }
});

test('the documentation says of each clause with which text it was compared, and names no other clause', () => {
  const page = readFileSync(join(import.meta.dirname, '..', '..', '..', 'docs', 'reports.md'), 'utf8');
  const [, table = ''] = page.split('| report | clauses | compared with |');
  const rows = [...table.matchAll(/^\| `([a-z0-9-]+)` \| (.+?) \| .+ \|$/gm)].flatMap(([, name = '', clauses = '']) =>
    clauses.split('; ').map((clause) => `${name}: ${clause}`),
  );
  const clauses = new Set(reports.flatMap(({ name, requirements }) => requirements.map(({ clause }) => `${name}: ${clause}`)));
  assert.deepEqual(rows.toSorted(), [...clauses].toSorted());
});

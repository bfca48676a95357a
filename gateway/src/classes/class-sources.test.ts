import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClassSources } from './class-sources.ts';

const sources = new ClassSources([
  { name: 'salary', columns: ['payroll/public.employees.salary'], fields: ['hr:/employees/*/salary'], classes: [] },
  { name: 'health', columns: ['clinic/public.*.diagnosis'], fields: [], classes: ['icd10'] },
]);

test('a value has the classes of the column or the member that it comes from', () => {
  for (const [target, source, classes] of [
    ['payroll', 'public.employees.salary', ['salary']],
    ['payroll', 'public.employees.name', []],
    ['other', 'public.employees.salary', []],
    ['payroll', 'publicxemployees.salary', []],
    ['clinic', 'public.visits.diagnosis', ['health']],
    ['clinic', 'public.a.b.diagnosis', ['health']],
    ['clinic', 'private.visits.diagnosis', []],
    ['hr', '/employees/12/salary', ['salary']],
    ['hr', '/employees/12/salary/currency', ['salary']],
    ['hr', '/employees/12/salaryman', []],
    ['hr', '/employees/salary', []],
  ] as const) {
    assert.deepEqual(sources.of(target, source), classes, source);
    assert.deepEqual(sources.of(target, source), classes, `${source}, again`);
  }
});

test('D39: a text that may be of any member has the classes of all members of its target, and of no column', () => {
  assert.deepEqual([sources.of('hr', '/*'), sources.of('payroll', '/*'), sources.of('hr', '*'), sources.of('payroll', '*')], [['salary'], [], [], ['salary']]);
});

test('any column of a table has the classes of all its columns', () => {
  assert.deepEqual(sources.of('payroll', 'public.employees.*'), ['salary']);
  assert.deepEqual(sources.of('clinic', 'public.visits.*'), ['health']);
  assert.deepEqual(sources.of('payroll', 'public.others.*'), []);
});

test('a class has the places of the classes within it', () => {
  const nested = new ClassSources([
    { name: 'secret', columns: [], fields: ['hr:/notes'], classes: ['private', 'email'] },
    { name: 'private', columns: [], fields: [], classes: ['salary', 'secret'] },
    { name: 'salary', columns: ['payroll/public.employees.salary'], fields: ['hr:/employees/*/salary'], classes: [] },
  ]);
  assert.deepEqual(nested.of('payroll', 'public.employees.salary'), ['secret', 'private', 'salary']);
  assert.deepEqual(nested.of('payroll', 'public.employees.*'), ['secret', 'private', 'salary']);
  assert.deepEqual(nested.of('hr', '/employees/12/salary'), ['secret', 'private', 'salary']);
  assert.deepEqual(nested.of('hr', '/notes'), ['secret', 'private']);
  assert.deepEqual(nested.of('hr', '/other'), []);
});

test('a value of which the protocol knows the class is of that class and of all that have it within them', () => {
  assert.deepEqual(sources.of('anywhere', '!icd10'), ['icd10', 'health']);
  assert.deepEqual(new ClassSources([]).of('anywhere', '!icd10'), ['icd10']);
});

import type { z } from 'zod';

const expectedWords: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

const measured: Readonly<Record<string, readonly [what: string, unit: string]>> = {
  string: ['a text', ' characters'],
  array: ['a list', ' members'],
  number: ['a number', ''],
  int: ['a number', ''],
};

/** Says in plain words why a value is not what a schema expects, where the schema has no words of its own. For `error` of a parse. */
export function plainFault(issue: z.core.$ZodRawIssue): string {
  if (issue.input === undefined && issue.code !== 'unrecognized_keys') {
    return 'this is missing';
  }
  switch (issue.code) {
    case 'invalid_type':
      return `${expectedWords[issue.expected] ?? issue.expected} is expected`;
    case 'too_small':
    case 'too_big': {
      const [what, unit] = measured[issue.origin] ?? ['a value', ''];
      const [bound, limit] = issue.code === 'too_small' ? [issue.inclusive === false ? 'more than' : 'at least', issue.minimum] : ['at most', issue.maximum];
      return `${what} of ${bound} ${limit}${unit} is expected`;
    }
    case 'unrecognized_keys':
      return `nothing is known of ${issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(', ')} here`;
    case 'invalid_value':
      return `${issue.values.map(String).join(' or ')} is expected`;
    default:
      return 'this is not of the form that is expected';
  }
}

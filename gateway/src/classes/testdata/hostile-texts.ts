const base64 = (text: string): string => Buffer.from(text).toString('base64').replace(/=+$/, '');
const percent = (text: string): string => Array.from(text, (each) => `%${each.charCodeAt(0).toString(16)}`).join('');

/** Makes a run of base64 that may begin at each of sixteen places, from all of which the same is undone. */
function path(inner: string): string {
  return `AAA/${base64('ab cd ef 1.1.1 xy?').repeat(16)}${base64(inner)}`;
}

/** Parts of texts that take the most time, found by trial. A text is one of them many times. */
export const hostileTexts: Readonly<Record<string, string>> = {
  'base64 in base64 in base64 that may begin at many places': `${path(path(path('1.'.repeat(400))))}"`,
  'many kinds of encodings': `${'1.1.1.1-'.repeat(50)}${'%252525252F=3D3D3D2F&amp;amp;amp;'.repeat(2)}"`,
  'more encodings than are undone': `${base64(base64('1.1.1.1-'.repeat(100)))}${'%252525252F=3D3D3D2F&amp;amp;amp;'.repeat(2)}"`,
  'quoted-printable in itself': '=3D3D3D40',
  'percent in itself': '%2525252540',
  'percent of numbers': percent(percent(percent('4111111111111111'))),
  'escapes of escapes': String.raw`\u005cu005cu0040`,
  'base64 in lines': `${base64(base64(base64('jane@example.com 4111 1111 1111 1112 '))).slice(0, 76)}\r\n`,
  'numbers with dots': '1.',
  'groups of numbers': '4111 ',
  'account numbers': 'DE89 3704 0044 0532 0130 01 ',
  'hardware addresses': '00-00-00-00-00-0g',
  'begins of keys': '-----BEGIN A ',
};

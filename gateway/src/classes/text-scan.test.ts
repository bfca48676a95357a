import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { unknownClass } from '../domain/seen.ts';
import { builtInClasses } from './catalogue.ts';
import { ClassSet } from './class-set.ts';
import { ClassSets } from './class-sets.ts';
import { faultOfPattern, Pattern } from './pattern.ts';
import { hostileTexts } from './testdata/hostile-texts.ts';
import { findIn, heldUnitsMax, TextScan, type Found } from './text-scan.ts';
import { WholeTexts } from './whole-texts.ts';

const names = builtInClasses.map(({ name }) => name);
const all = new ClassSet(names);

/** Scans a text that is cut at these places. Returns the text and the values of all that was settled, and how much was held back at most. */
function scanPieces(text: string, cuts: readonly number[], classes = all): { text: string; found: Found[]; held: number } {
  const scan = new TextScan(classes);
  const places = [...new Set(cuts.map((cut) => Math.min(cut, text.length)))].toSorted((one, other) => one - other);
  let settled = '';
  let held = 0;
  const found: Found[] = [];
  const add = (each: ReturnType<TextScan['push']>, pushed: number): void => {
    for (const value of each.found) {
      const shifted = { ...value, start: value.start + settled.length, end: value.end + settled.length };
      const last = found.at(-1);
      if (value.isContinued && last?.name === value.name && last.end === shifted.start) {
        found[found.length - 1] = { ...last, end: shifted.end };
      } else {
        found.push(shifted);
      }
    }
    settled += each.text;
    assert.equal(scan.isHolding(), settled.length < pushed);
    held = Math.max(held, pushed - settled.length);
  };
  let from = 0;
  for (const to of [...places, text.length]) {
    add(scan.push(text.slice(from, to)), to);
    from = to;
  }
  add(scan.end(), text.length);
  return { text: settled, found, held };
}

/** They are no secrets: the body of the key and the signature of the token are letters in order. */
const line = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const key = [`${'-'.repeat(5)}BEGIN RSA PRIVATE KEY${'-'.repeat(5)}`, line, line, 'ABCD=', `${'-'.repeat(5)}END RSA PRIVATE KEY${'-'.repeat(5)}`].join('\n');
const token = `${['eyJhbGciOiJub25lIn0', 'eyJzdWIiOiJleGFtcGxlIn0'].join('.')}.${line.slice(0, 62)}`;

/** Parts of which texts are made that are likely to be cut at a bad place. */
const parts = fc.oneof(
  fc.constantFrom(...builtInClasses.map(({ example }) => example)),
  fc.constantFrom(' ', ' ', '\n', '"', ',', ': ', '=', '@', '.', '-', '(', '+', '/', 'é', '\u{1f600}', '名前'),
  fc.constantFrom('born March 12, 1980', 'born ', '12 de marzo de ', '1980', 'March ', '3rd ', ', '),
  fc.constantFrom('jane', 'Order', 'Nr.', 'passport', 'SSN', '4111', '1111 ', '2024-05-06T07:08:09Z', '550e8400-e29b-41d4-a716-446655440000', 'logo@2x.png'),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom(key.slice(0, 40), key, key.slice(-40), token, token.slice(0, 60)),
  fc.constantFrom('a', '1', 'x@', '4 ').chain((one) => fc.nat(2500).map((times) => one.repeat(times))),
);
const texts = fc.array(parts, { maxLength: 16 }).map((each) => each.join(''));

const each = (text: string, encode: (character: string) => string): string => Array.from(text, encode).join('');
const hex = (character: string, length: number): string => character.charCodeAt(0).toString(16).padStart(length, '0');

/** Encodings that clients use. Some change every character, some only what is neither a letter nor a digit. */
const encodings: Readonly<Record<string, (text: string) => string>> = {
  'percent, what must be': encodeURIComponent,
  'percent, everything': (text) => each(encodeURIComponent(text), (one) => one).replaceAll(/[A-Za-z0-9](?![0-9A-F])/g, (one) => `%${hex(one, 2)}`),
  'percent, twice': (text) => encodeURIComponent(each(text, (one) => `%${hex(one, 2).toUpperCase()}`)),
  'a form': (text) => `a=1&q=${encodeURIComponent(text).replaceAll('%20', '+')}&b=2`,
  'JSON, everything': (text) => each(text, (one) => `\\u${hex(one, 4)}`),
  'JSON in JSON': (text) => JSON.stringify(JSON.stringify({ a: `line\n${text}\n` })),
  'bytes with x': (text) => each(text, (one) => `\\x${hex(one, 2)}`),
  'HTML, decimal': (text) => each(text, (one) => `&#${one.charCodeAt(0)};`),
  'HTML, hex': (text) => each(text, (one) => `&#x${hex(one, 4)};`),
  'HTML, names': (text) =>
    text.replaceAll('@', '&commat;').replaceAll('.', '&period;').replaceAll(' ', '&nbsp;').replaceAll(':', '&colon;').replaceAll('+', '&plus;'),
  'quoted-printable': (text) => each(text, (one) => `=${hex(one, 2).toUpperCase()}`),
  'quoted-printable, lines': (text) => each(text, (one) => `=\r\n${one}`),
  'full width': (text) => each(text, (one) => (one === ' ' ? '\u00a0' : String.fromCharCode(one.charCodeAt(0) + 0xfee0))),
  'zero width inside': (text) => each(text, (one) => `${one}\u200b`),
  'soft hyphens': (text) => each(text, (one) => `${one}\u00ad`),
  base64: (text) => Buffer.from(`The value is this one: ${text}, and no other`).toString('base64'),
  'base64 in lines': (text) =>
    (
      Buffer.from(`${'padding '.repeat(9)}${text} ${'and more '.repeat(9)}`)
        .toString('base64')
        .match(/.{1,76}/g) ?? []
    ).join('\r\n'),
  base64url: (text) => Buffer.from(`? ${text} >`).toString('base64url'),
  'base64 in base64': (text) => Buffer.from(Buffer.from(`It is ${text}.`).toString('base64')).toString('base64'),
  'base64 behind other characters': (text) => `xyz${Buffer.from(`It is ${text}.`).toString('base64')}`,
  'base64 in a path': (text) => `POST /t/mail/v1/${Buffer.from(`It is ${text}.`).toString('base64')} HTTP/1.1`,
  'base64, long': (text) => Buffer.from(`${'padding '.repeat(500)}${text} ${'and more '.repeat(400)}`).toString('base64'),
  hex: (text) => Buffer.from(`It is ${text}.`).toString('hex'),
  'hex of bytea': (text) => `\\x${Buffer.from(`It is ${text}.`).toString('hex')}`,
};

describe('values in a text', () => {
  test('every way to cut a text gives the same values, and no more is held back than is stated', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat(400), { maxLength: 12 }), fc.nat(), (text, cuts, far) => {
        const whole = findIn(text, all);
        const cut = scanPieces(text, [...cuts, far % (text.length + 1)]);
        assert.equal(cut.text, text);
        assert.deepEqual(cut.found, whole);
        assert.ok(cut.held <= heldUnitsMax, `${cut.held} units are held`);
      }),
      { numRuns: 250 },
    );
  });

  test('whole texts give the same values, however often they came before, also where they are not looked at', () => {
    for (const classes of [all, ...builtInClasses.map(({ name }) => new ClassSet([name]))]) {
      const short = fc.oneof(texts, fc.constantFrom(...builtInClasses.map(({ example }) => example))).map((text) => text.slice(0, 70));
      fc.assert(
        fc.property(fc.array(short, { maxLength: 4 }), (come) => {
          for (const text of [...come, ...come]) {
            const found = findIn(text, classes);
            assert.deepEqual(new WholeTexts(classes).look(text)?.found ?? [], found, text);
          }
        }),
        { numRuns: 50 },
      );
    }
  });

  test('no more is held back than is stated where it depends on what follows whether a value goes on', () => {
    for (const tail of [' 12 Septemb', ' 3rd of Septe', '1, ', '\r', '=\r', '\ud83d']) {
      for (let units = heldUnitsMax - 40; units <= heldUnitsMax + 4; units += 1) {
        const scan = new TextScan(all);
        const pushed = '1'.repeat(units) + tail;
        const { text } = scan.push(pushed);
        assert.ok(
          pushed.length - text.length <= heldUnitsMax,
          `${pushed.length - text.length} units are held with ${JSON.stringify(tail)} behind ${units} others`,
        );
        assert.equal(text + scan.end().text, pushed);
      }
    }
  });

  test('each character alone gives the same values', () => {
    const text = `Write to jane.doe@example.com, or pay with 4111 1111 1111 1111 (order 550e8400-e29b-41d4-a716-446655440000). ${'x'.repeat(5000)}@example.com`;
    const cut = scanPieces(
      text,
      Array.from(text, (_, i) => i),
    );
    assert.deepEqual(cut.found, findIn(text, all));
    assert.deepEqual(
      cut.found.slice(0, 2).map(({ start, end }) => text.slice(start, end)),
      ['jane.doe@example.com', '4111 1111 1111 1111'],
    );
  });

  test('in prose only the last word is held back', () => {
    const scan = new TextScan(all);
    assert.equal(scan.push('The answer is a lo').text, 'The answer is a ');
    assert.equal(scan.push('ng one. ').text, 'long one. ');
    assert.equal(scan.isHolding(), false);
    assert.equal(scan.push('In 2024 ').text, 'In ');
    assert.equal(scan.push('they').text, '2024 ');
    assert.equal(scan.end().text, 'they');
  });

  test('the example of each class is found as its own, alone and in a sentence', () => {
    for (const { name, example } of builtInClasses) {
      const [alone] = findIn(example, [name]);
      assert.ok(alone !== undefined, `${name}: ${example}`);
      const value = example.slice(alone.start, alone.end);
      for (const text of [example, `It is (${example}).`, `"${example}"`, `a\t${example}\tb`]) {
        assert.deepEqual(
          findIn(text, [name]).map(({ start, end }) => text.slice(start, end)),
          [value],
          `${name}: ${text}`,
        );
      }
      assert.deepEqual(
        findIn(example, all).map((found) => found.name),
        [name],
        example,
      );
    }
  });

  test('a key and a token that are longer than what is held back are found whole, and go on while they are settled', () => {
    const long = token + 'x'.repeat(20_000);
    for (const [name, value] of [
      ['private-key', key],
      ['private-key', key.replace('ABCD=', line.concat('\n').repeat(180))],
      ['private-key', key.replaceAll('\n', '\\n')],
      ['jwt', long],
    ] as const) {
      const text = `It is ${value} and jane@example.com`;
      const [first, second, ...others] = findIn(text, all);
      assert.deepEqual([first?.name, text.slice(first?.start, first?.end)], [name, value]);
      assert.deepEqual([second?.name, others], ['email', []]);
    }
    const scan = new TextScan(all);
    const begun = scan.push(long);
    assert.deepEqual(begun.found, [{ name: 'jwt', start: 0, end: long.length, isContinued: false, said: null }]);
    assert.deepEqual(scan.push('y.').found, [{ name: 'jwt', start: 0, end: 2, isContinued: true, said: null }]);
    assert.equal(scan.isHolding(), false);
    assert.deepEqual(scan.push(' y ').found, []);
    assert.deepEqual(
      findIn(`${key.slice(0, 31)} is how a key begins.`, all).map(({ end }) => end),
      [34],
      'prose behind a header is no key',
    );
  });

  test('words before a value decide where its form does not', () => {
    const cases: readonly (readonly [text: string, ...names: string[]])[] = [
      ['phone 5551234567', 'phone'],
      ['Reference record: 715-555-0130', 'phone'],
      ['order contact 715-555-0130', 'phone'],
      ['reference 715-555-0130'],
      ['reference number 715-555-0130'],
      ['a record of order 715-555-0130'],
      ['Reference record: 908-03-0695', 'us-ssn'],
      ['SSN 908-03-0695', 'us-ssn'],
      ['reference 908-03-0695'],
      ['908-00-0695'],
      ['order 5551234567'],
      ['{"phone":"5551234567","id":1234567890}', 'phone'],
      ['{"phoneNumber":"5551234567"}', 'phone'],
      ['Telefonnummern 5551234567 und 5551234568', 'phone', 'phone'],
      ['tracking 4111111111111111'],
      ['Her card is 4111111111111111', 'card'],
      ['4111111111111111', 'card'],
      ['{"card": 4111111111111111.0}', 'card'],
      ['7,4111111111111111.00,8', 'card'],
      ['charged 4111111111111111.0.', 'card'],
      ['4111111111111111.05 4111111111111111.0.1 219099999.0'],
      ['version 10.4.2.1, at 10.4.2.1', 'ip'],
      ['passport C01X00T47 expires 20301231', 'passport'],
      ['passwords are not 12345678'],
      ['Room 12 536-22-8726', 'us-ssn'],
      ['1980-05-17 536-22-8726', 'us-ssn'],
      ['536-22-8726 219-09-9999', 'us-ssn', 'us-ssn'],
      ['Jane Doe 536-22-8726 415-555-2671', 'us-ssn', 'phone'],
      ['Jane Doe 415-555-2671 536-22-8726 17', 'phone', 'us-ssn'],
      ['Room 12 (415) 555-2671', 'phone'],
      ['Room 12 415.555.2671 3', 'phone'],
      ['1 415-555-2671', 'phone'],
      ['12 131052-308T 7', 'fi-hetu'],
      ['MRN 0048213, 536-22-8726', 'us-ssn'],
      ['MRN 0048213, 536-22-8726, 0048214, (415) 555-2671', 'us-ssn', 'phone'],
      ['orders 536-22-8726, 219-09-9999'],
      ['orders (415) 555-2671, (415) 555-2672 and (415) 555-2673'],
      ['orders 4111111111111111, 4012888888881881'],
      ['SSN 0048213, 536-22-8726', 'us-ssn'],
      ['order 536-22-8726 219-09-9999, version 10.20.3000 10.20.3001'],
      ['17 415 555 2671 44, 12 046 454 286 9, 0123-45678 0124-45678 0125-45678'],
      ['身份證A1234563', 'hk-id'],
      ['550e8400-e29b-41d4-a716-446655440000 0.4111111111111111 2024-05-06T07:08:09.123456Z v1.2.3 12:34:56'],
    ];
    for (const [text, ...expected] of cases) {
      assert.deepEqual(
        findIn(text, all).map(({ name }) => name),
        expected,
        text,
      );
    }
  });

  test('values are found in the encodings that clients use', () => {
    const examples = builtInClasses.filter(({ example }) => /^[\u0020-\u007e]+$/.test(example));
    assert.ok(examples.length > 60);
    const wrong: string[] = [];
    for (const [title, encode] of Object.entries(encodings)) {
      for (const { name, example } of examples) {
        const encoded = encode(example);
        const text = `Before ${encoded} behind`;
        const found = findIn(text, all);
        // A key goes on for as long as the text allows.
        const isWithin = found.every((value) => value.start >= 7 && (value.name === 'private-key' || value.end <= 7 + encoded.length));
        if (!isWithin || found.every((value) => value.name !== name)) {
          wrong.push(`${title}: ${name}: ${text.slice(0, 200)} ${JSON.stringify(found)}`);
        }
      }
    }
    assert.deepEqual(wrong, []);
  });

  test('every way to cut an encoded value gives the same', () => {
    const encoded = fc.tuple(fc.constantFrom(...builtInClasses.map(({ example }) => example)), fc.constantFrom(...Object.values(encodings)));
    fc.assert(
      fc.property(fc.array(encoded, { minLength: 1, maxLength: 3 }), fc.array(fc.nat(20_000), { maxLength: 12 }), (values, cuts) => {
        const text = values.map(([example, encode]) => encode(example)).join(' - ');
        assert.deepEqual(
          scanPieces(
            text,
            cuts.map((cut) => cut % (text.length + 1)),
          ).found,
          findIn(text, all),
        );
      }),
      { numRuns: 150 },
    );
  });

  test('hostile texts are looked at a bounded number of times', () => {
    class Counting extends ClassSet {
      units = 0;
      override look(...[view]: Parameters<ClassSet['look']>): ReturnType<ClassSet['look']> {
        this.units += view.text.length;
        return super.look(view);
      }
    }
    for (const part of [
      'a',
      '1 ',
      'a@',
      '4111 ',
      'eyJ.',
      'March 1, ',
      '%25',
      '=\n',
      `${'QUJD'.repeat(19)}\n`,
      'a\u200b',
      'AB 1 ',
      '-----BEGIN ',
      'x@example.com ',
    ]) {
      const text = part.repeat(30_000 / part.length);
      const counting = new Counting(names);
      const scan = new TextScan(counting);
      for (let i = 0; i < text.length; i += 7) {
        scan.push(text.slice(i, i + 7));
      }
      scan.end();
      assert.ok(counting.units <= 3 * text.length + heldUnitsMax, `${part}: ${counting.units} of ${text.length}`);
    }
  });

  test('what a text stands for is looked at a bounded number of times, however its encodings are nested', () => {
    class Counting extends Pattern {
      units = 0;
      override find(text: string): void {
        this.units += text.length;
      }
      override mayCross(): boolean {
        return false;
      }
    }
    for (const [name, part] of Object.entries(hostileTexts)) {
      const pattern = new Counting('x');
      const text = part.repeat(Math.ceil(40_000 / part.length));
      const found = findIn(text, new ClassSet([...names, 'counted'], new Map([['counted', { pattern, words: null, classes: [] }]])));
      assert.ok(pattern.units <= 30 * text.length, `${name}: ${pattern.units} of ${text.length}`);
      assert.equal(
        found.some((value) => value.name === unknownClass),
        name === 'more encodings than are undone',
      );
    }
  });

  test('texts of those who mean well are read in all of their encodings', () => {
    const address = 'jane.doe@example.com';
    const link = `https://a.example.com/?qs=AB12cd34&u=${encodeURIComponent(`https://b.example.com/p?a=1&r=${encodeURIComponent(`https://c.example.com/?c=AB1234567&mail=${address}`)}`)}`;
    const html = `<td align="center" style="color:#FFF">Hello&nbsp;Jane &amp;&nbsp;Bob, café — <a href="${link.replaceAll('&', '&amp;')}">here</a></td>`.repeat(
      100,
    );
    const quoted = Array.from(Buffer.from(html), (byte) =>
      byte > 0x7e || byte === 0x3d ? `=${byte.toString(16).toUpperCase()}` : String.fromCharCode(byte),
    ).join('');
    const mail = quoted.replaceAll(/[^=]{70}/g, '$&=\r\n');
    const json = JSON.stringify({ raw: JSON.stringify(mail) });
    for (const text of [mail, json, Buffer.from(html).toString('base64'), encodeURIComponent(html)]) {
      const found = new Set(findIn(text, all).map(({ name }) => name));
      assert.ok(!found.has(unknownClass) && found.has('email'), text.slice(0, 200));
    }
  });

  test('classes of the operator are found by pattern, by words and by other classes, however the text is cut', () => {
    const own = { columns: [], fields: [], pattern: null, words: [], classes: [] };
    const sets = new ClassSets([
      { ...own, name: 'badge', pattern: 'B-[0-9]{6}\\b' },
      { ...own, name: 'project', pattern: 'Project [A-Z][a-z]+( (north|south), phase \\d)?' },
      { ...own, name: 'staff', words: ['Jane Doe', 'jane doe the third', 'Müller', "O'Neill, Ann"] },
      { ...own, name: 'health', classes: ['icd10', 'ward'] },
      { ...own, name: 'ward', pattern: 'W\\d\\d', classes: ['health'] },
      { ...own, name: 'salary', columns: ['a/b.c.d'] },
    ]);
    const classes = sets.of(['badge', 'project', 'staff', 'health', 'salary', 'email']);
    const text =
      "JANE DOE (B-123456, B-1234567) of Project Ada north, phase 2 and Project Bob north; o'neill, ann: diagnosis E11.9 in W12, ann-müller@example.com Müllerin jane\u200b doe";
    const expected = [
      ['staff', 'JANE DOE'],
      ['badge', 'B-123456'],
      ['project', 'Project Ada north, phase 2'],
      ['project', 'Project Bob'],
      ['staff', "o'neill, ann"],
      ['health', 'E11.9'],
      ['health', 'W12'],
      ['email', 'ann-müller@example.com'],
      ['staff', 'jane\u200b doe'],
    ];
    assert.deepEqual(
      findIn(text, classes).map(({ name, start, end }) => [name, text.slice(start, end)]),
      expected,
    );
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 20 }), (cuts) => {
        assert.deepEqual(scanPieces(text, cuts, classes).found, findIn(text, classes));
      }),
      { numRuns: 100 },
    );
    assert.deepEqual(
      findIn('diagnosis E11.9', sets.of(['icd10', 'health'])).map(({ name }) => name),
      ['icd10'],
      'the class that is asked for itself',
    );
    assert.throws(() => sets.of(['emial']), RangeError);
  });

  test('a phrase is found with any white space between its words and with its accents in both forms, however the text is cut', () => {
    const own = { columns: [], fields: [], pattern: null, classes: [] };
    const classes = new ClassSets([{ ...own, name: 'staff', words: ['Margaret Holloway', 'M\u00fcller', 'Jose\u0301  Nu\u0301n\u0303ez', "O'Neill, Ann"] }]).of(
      ['staff'],
    );
    const spaces = fc.array(fc.constantFrom(' ', '\n', '\r\n', '\t', '\u00a0', '\u2009', '\u3000'), { minLength: 1, maxLength: 8 }).map((run) => run.join(''));
    const phrase = fc.constantFrom('Margaret Holloway', 'M\u00fcller', 'Jos\u00e9 N\u00fa\u00f1ez', "o'neill, ann");
    const form = fc.constantFrom('NFC', 'NFD');
    fc.assert(
      fc.property(phrase, spaces, form, fc.array(fc.nat(60), { maxLength: 12 }), (listed, space, normal, cuts) => {
        const value = listed.normalize(normal).replace(' ', space);
        const text = `12 ${value} and Margaret, Hollow\n${value.toUpperCase()}`;
        const { found } = scanPieces(text, cuts, classes);
        assert.deepEqual(
          found.map(({ start, end }) => text.slice(start, end)),
          [value, value.toUpperCase()],
        );
      }),
      { numRuns: 200 },
    );
    for (const text of [
      'Mullers',
      'M\u00fcllerin',
      'Mu\u0308ller\u0301',
      'Jose Nunez',
      'Margaret-Holloway',
      'MargaretHolloway',
      'Margaret\ufeffHolloway',
      "O' Neill, Ann",
    ]) {
      assert.deepEqual(findIn(text, classes), [], text);
    }
    assert.equal(findIn('Margaret\\n  Holloway', classes).length, 1, 'an escape is white space too');
    for (const units of [400, 490, 500, 510, 600, 9000]) {
      const text = `1${' 1'.repeat(1800)} Margaret${' '.repeat(units)}Holloway`;
      const cut = scanPieces(
        text,
        Array.from(text, (_, at) => at),
        classes,
      );
      assert.deepEqual(cut.found, findIn(text, classes));
      assert.equal(cut.found.length, units <= 490 ? 1 : 0, `${units}`);
      assert.ok(cut.held <= heldUnitsMax, `${cut.held} units are held`);
    }
  });

  test('a pattern matches what a regular expression matches, and one that is not linear is refused', () => {
    const alphabet = fc.constantFrom('a', 'b', '1', '-');
    const atom = fc.oneof(alphabet, fc.constantFrom('[ab]', '[^a]', '\\d', '(?:a|b1)', '.', '(a|ab)(1|)'));
    const piece = fc.tuple(atom, fc.constantFrom('', '', '?', '+', '{2}', '{1,3}')).map((both) => both.join(''));
    const pattern = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => `a${pieces.join('')}`);
    fc.assert(
      fc.property(pattern, fc.array(alphabet, { maxLength: 12 }), (source, characters) => {
        const text = characters.join('');
        const found: string[] = [];
        new Pattern(source).find(text, (start, end) => found.push(text.slice(start, end)));
        // The longest match counts, so each length is tried.
        const expected: string[] = [];
        for (let start = 0; start < text.length; start += 1) {
          const end = Array.from(text, (_, i) => text.length - i).find((to) => to > start && new RegExp(`^(?:${source})$`).test(text.slice(start, to)));
          if (end !== undefined) {
            expected.push(text.slice(start, end));
            start = end - 1;
          }
        }
        assert.deepEqual(found, expected);
      }),
      { numRuns: 300 },
    );
    for (const [source, why] of [
      ['(a)\\1', /reference to a group/],
      ['(?=a)b', /looks ahead/],
      ['a*', /matches nothing/],
      ['^a$', /\^ is not supported/],
      ['a**', /repetition of a repetition/],
      ['a{9999}', /too long/],
      ['[a', /\[ without/],
      ['(a', /\( without/],
      ['a)', /\) without/],
      ['"a', /begins with a letter/],
      ['\\q', /\\q is not supported/],
      ['B-[0-9]{6}\b', /backspace.*single quotes/],
      ['a{x', /repeats what is before/],
    ] as const) {
      assert.match(faultOfPattern(source) ?? '', why, source);
    }
    assert.equal(faultOfPattern('\\bB-[0-9]{6}\\b'), null);
  });

  test('texts that come near to the patterns and words of an operator are read a bounded number of times', () => {
    let read = 0;
    /** Counts how far back a value is looked for that may go on. */
    class Counting extends Pattern {
      override mayCross(text: string, start: number, at: number): boolean {
        read += Math.min(256, at + 1 - start);
        return super.mayCross(text, start, at);
      }
    }
    for (const [source, part] of [
      ['[a-z ]+!', 'a '],
      ['x.{0,100}y', 'x a xx aa '],
      ['\\bB-[0-9]{6}\\b', 'B-12345 '],
      ['[a-z ]+!', 'a\u200b '],
    ] as const) {
      const text = part.repeat(20_000 / part.length);
      read = 0;
      findIn(text, new ClassSet(['own'], new Map([['own', { pattern: new Counting(source), words: null, classes: [] }]])));
      assert.ok(read <= 8 * text.length, `${source}: ${read} of ${text.length}`);
    }
    for (const [before, start] of [
      [100, 0],
      [255, 0],
      [256, 1],
      [700, 445],
    ] as const) {
      const found: number[] = [];
      new Pattern('[a-z]+!').find(`${'a'.repeat(before)}!${'b'.repeat(300)}`, (...place) => found.push(...place));
      assert.deepEqual(found, [start, before + 1]);
    }
  });

  test('a class that is not asked for is not found, and an unknown one is an error', () => {
    assert.deepEqual(findIn('jane@example.com', ['card']), []);
    assert.throws(() => findIn('', ['emial']), RangeError);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinTexts } from './joined-texts.ts';

const record = (text: string | null, begun = false): Parameters<typeof joinTexts>[0][number] => ({
  content: text === null ? null : { mediaType: 'text/plain', text, bytes: text.length },
  attributes: begun ? { 'countersign.begun_text': true } : {},
});

test('a notice and the result after it are two lines, and a text that was cut is one', () => {
  assert.equal(joinTexts([record('NOTICE it waits'), record('UPDATE 1')]), 'NOTICE it waits\nUPDATE 1');
  assert.equal(joinTexts([record('NOTICE it waits\n'), record(''), record('UPDATE 1')]), 'NOTICE it waits\nUPDATE 1');
  assert.equal(joinTexts([record('one\nlon'), record('g value', true), record(null), record('SELECT 1')]), 'one\nlong value\nSELECT 1');
});

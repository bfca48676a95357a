import { test } from 'node:test';
import { assertMaskedAlike } from '../../../../tests/support/every-cut.ts';
import { answerShapes } from './testdata/answer-shapes.ts';

for (const shape of answerShapes.filter(({ path }) => path === undefined)) {
  test(`${shape.outcome} however its bytes are cut: ${shape.name}${shape.form === undefined ? '' : `, ${shape.form}`}`, async () => {
    await assertMaskedAlike(shape, null);
  });
}

import { limits } from '@ryax/contracts';
import { fuzzCases, fuzzTimeoutMs } from '@ryax/testing';
import fc from 'fast-check';
import { elementsOf, isTooNested } from './nesting';

const nested = (levels: number, inside = '') => '['.repeat(levels) + inside + ']'.repeat(levels);
const most = limits.messageDepth;

describe('nesting of a text', () => {
  it.each<[string, string, boolean]>([
    ['lists as deep as may be', nested(most), false],
    ['lists one level deeper', nested(most + 1), true],
    ['objects one level deeper', `${'{"a":'.repeat(most + 1)}0${'}'.repeat(most + 1)}`, true],
    ['many lists beside one another', `[${`${nested(most - 1)},`.repeat(10)}[]]`, false],
    ['what is too deep behind what is not', `[${`${nested(most - 1)},`.repeat(10)}${nested(most)}]`, true],
    ['brackets in a text', `["${'['.repeat(2 * most)}"]`, false],
    ['brackets in a text behind an escaped quote', String.raw`["\\\"${'{'.repeat(2 * most)}"]`, false],
    ['closing brackets in a text', nested(most + 1, `"${']'.repeat(2 * most)}"`), true],
    ['lists behind a text that ends with a backslash', String.raw`["\\",${nested(most)}]`, true],
  ])('is judged: %s', (_name, text, expected) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow();
    expect(isTooNested(Buffer.from(text))).toBe(expected);
  });

  it(
    'falls into the texts of the elements, whatever they are and however they are written',
    () => {
      const indents = fc.constantFrom(undefined, 1, '\t');
      fc.assert(
        fc.property(fc.array(fc.jsonValue(), { minLength: 1 }), indents, (list, indent) => {
          const written = JSON.stringify(list, null, indent);
          const texts = elementsOf(Buffer.from(` ${written}\n`)).map((text) => text.toString());
          expect(texts.map((text) => JSON.parse(text) as unknown)).toEqual(JSON.parse(written));
        }),
        { numRuns: fuzzCases(30) },
      );
    },
    fuzzTimeoutMs,
  );
});

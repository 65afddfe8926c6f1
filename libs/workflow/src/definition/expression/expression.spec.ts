import { evaluate as cel } from '@marcbachmann/cel-js';
import type { JsonObject, JsonValue } from '@ryax/contracts';
import fc from 'fast-check';
import { listOf, objectOf, orNull, scalar, unknownType, type StaticType } from '../static-type';
import { compileExpression, type Compiled } from './compile';
import { parseExpression } from './parse';

const fits = objectOf([
  ['b_value', scalar('float')],
  ['events', scalar('integer')],
]);
const types: Readonly<Record<string, StaticType>> = {
  trigger: objectOf([
    ['rounds', scalar('integer')],
    ['ratio', scalar('float')],
    ['name', scalar('string')],
    ['ready', scalar('boolean')],
    ['catalogue', scalar('file')],
    ['secret', scalar('password')],
    ['note', scalar('string', true)],
  ]),
  fit: listOf(orNull(fits)),
  split: orNull(
    objectOf([
      ['regions', unknownType],
      ['count', scalar('integer')],
    ]),
  ),
  item: unknownType,
  index: scalar('integer'),
};
const scope: JsonObject = {
  trigger: {
    rounds: 7,
    ratio: 1.5,
    name: 'abc',
    ready: true,
    catalogue: { $file: 'sha256:…', name: 'quakes.csv', size: 9, kind: 'file' },
    secret: { $secret: '…' },
    note: null,
  },
  fit: [null, { b_value: 0.5, events: 3 }, { b_value: 2, events: 4 }],
  split: { regions: [{ name: 'north', n: 3 }], count: 2 },
  item: { name: 'north', n: 3, tags: ['a', 'b'], nothing: null },
  index: 4,
};

function compile(text: string): Compiled {
  const parsed = parseExpression(text);
  if (!parsed.ok) return { ok: false, faults: parsed.reasons.map((reason) => ({ reason })) };
  return compileExpression(parsed.expression, ([root = '']) => types[root] ?? unknownType);
}

function evaluate(text: string, values: JsonObject = scope): JsonValue {
  const compiled = compile(text);
  if (!compiled.ok) throw new Error(compiled.faults.map(({ reason }) => reason).join('; '));
  const evaluation = compiled.compiled.expression.evaluate(values);
  return evaluation.ok ? evaluation.value : `failed: ${evaluation.reason}`;
}

function reasons(text: string): readonly string[] {
  const compiled = compile(text);
  return compiled.ok ? [] : compiled.faults.map(({ reason }) => reason);
}

describe('evaluating', () => {
  it.each<[string, JsonValue]>([
    ['=trigger.rounds', 7],
    ['= trigger.rounds ', 7],
    ['=trigger.catalogue.size', 9],
    ['=trigger.rounds + 1', 8],
    ['=index + 1', 5],
    ['=trigger.rounds * trigger.ratio', 10.5],
    ['=item.n + 1', 4],
    ['=1 + 0.5', 1.5],
    ['=7.5 % 2', 1.5],
    ['=item.n > 2 && trigger.ratio < 2', true],
    ['=1 == 1.0', true],
    ['=size(fit)', 3],
    ['=fit.exists(f, f != null && f.b_value < 0.7)', true],
    ['=fit.filter(f, f != null).map(f, f.events + 0.5)', [3.5, 4.5]],
    ['=fit[1].events', 3],
    ['=split.regions[0].n', 3],
    ['=split.regions.map(region, region.name).join(",")', 'north'],
    ['={"rounds": trigger.rounds, "list": [1, 2.5, "x", null]}', { rounds: 7, list: [1, 2.5, 'x', null] }],
    ['=trigger.ready ? "yes" : "no"', 'yes'],
    ['=trigger.ready ? null : trigger.name', null],
    ['=has(split.count) && !has(item.nope)', true],
    ['="b" in item.tags', true],
    ['="x" + trigger.name.upperAscii()', 'xABC'],
    ['=1 - (2 - 3)', 2],
    ['=(1 - 2) * 3', -3],
    ['=-trigger.rounds', -7],
    ['=string(trigger.rounds) + "/" + string(item.n)', '7/3'],
    ['=trigger.note == null', true],
    ['=item["n"] + 1', 4],
    ['=fit.map(trigger, trigger == null)', [true, false, false]],
  ])('%s gives %j', (text, value) => {
    expect(evaluate(text)).toEqual(value);
  });

  it('divides declared integers as integers, untyped numbers as doubles', () => {
    expect([evaluate('=trigger.rounds / 2'), evaluate('=fit[1].events / 2'), evaluate('=item.n / 2')]).toEqual([
      3, 1, 1.5,
    ]);
  });

  it.each([
    ['=item.nope', 'item has no "nope"'],
    ['=item.nope + 1', 'item has no "nope"'],
    ['=item.nothing.x + 1', 'item.nothing is null and has no "x"'],
    [
      '=split.regions.name + ""',
      'split.regions is a list and has no "name": its elements may; write split.regions.map(x, x.name)',
    ],
    ['=item.name + item.n', 'cannot compute string + double'],
    ['=split.regions[3]', 'index out of bounds, index 3 >= size 1'],
    ['=item.tags[0].x', 'there is no "x"'],
    ['=1 / 0', 'division by zero'],
    ['=1.0 / 0.0', 'the result is Infinity, which is no JSON value'],
    ['=item.n ? 1 : 2', "Ternary condition must be bool, got 'double'"],
  ])('%s fails: %s', (text, reason) => {
    expect(evaluate(text)).toBe(`failed: ${reason}`);
  });

  it('gives null for every declared field of a skipped action', () => {
    const skipped = { ...scope, split: null };
    expect(evaluate('=split.count', skipped)).toBeNull();
    expect(evaluate('=split.count == null ? 0 : split.count', skipped)).toBe(0);
    expect(evaluate('=split == null', skipped)).toBe(true);
  });

  it('says which value it lacks', () => {
    expect(evaluate('=index + 1', {})).toBe('failed: there is no value for index');
    expect(evaluate('=trigger.rounds + 1', { trigger: { rounds: null } })).toBe('failed: trigger.rounds is null');
  });

  it('finds nothing on prototypes', () => {
    expect(evaluate('=item.constructor')).toBe('failed: item has no "constructor"');
    expect(evaluate('=item.tags.toString')).toMatch(/^failed: /);
    expect(evaluate('=[item].map(x, x.constructor)')).toBe('failed: there is no "constructor"');
  });

  it('reads objects that have a key named constructor, wherever they are', () => {
    const rows = JSON.parse(
      '[{"constructor":"Ferrari","toString":1,"k":1,"inner":[{"constructor":null,"k":2}]},{"k":3,"hasOwnProperty":true}]',
    ) as JsonValue;
    const values = { ...scope, item: rows };
    expect(evaluate('=item.map(x, x.k)', values)).toEqual([1, 3]);
    expect(evaluate('=item.filter(x, has(x.constructor)).map(x, x.constructor)', values)).toEqual(['Ferrari']);
    expect(evaluate('=item.map(x, x)', values)).toEqual(rows);
    expect(evaluate('=size(item[0])', values)).toBe(4);
    expect(evaluate('=item[0].inner[0].k + 1.0', values)).toBe(3);
  });

  it('hands a plain reference on without looking at it', () => {
    const large = { $value: `sha256:${'a'.repeat(64)}`, size: 100_000, count: 7, path: ['list'] };
    const values = { ...scope, split: { regions: large, count: 1 } };
    expect(evaluate('=split.regions', values)).toBe(large);
    expect(evaluate('=split.regions.x', values)).toEqual({
      $value: large.$value,
      size: large.size,
      path: ['list', 'x'],
    });
    expect(evaluate('=size(split.regions)', values)).toBe('failed: the value of split.regions is not loaded');
  });

  it('does not see one expression through another with the same text', () => {
    expect([
      evaluate('=fit.map(f, f == null ? 0 : f.events)'),
      evaluate('=item.tags.map(f, f)'),
      evaluate('=size(fit)'),
    ]).toEqual([[0, 3, 4], ['a', 'b'], 3]);
  });
});

describe('any computation', () => {
  const number = fc.integer({ min: 0, max: 9 }).map(String);
  const { expression } = fc.letrec<{ expression: string }>((tie) => {
    const side = fc.oneof(
      number,
      tie('expression'),
      tie('expression').map((text) => `(${text})`),
    );
    const computed = fc
      .tuple(side, fc.constantFrom('+', '-', '*', '/', '%'), side)
      .map(([a, op, b]) => `${a} ${op} ${b}`);
    const chosen = fc
      .tuple(side, fc.constantFrom('<', '>=', '==', '!='), side, side, side)
      .map(([a, op, b, c, d]) => `(${a} ${op} ${b} ? ${c} : ${d})`);
    const negated = side.map((text) => `-(${text})`);
    return { expression: fc.oneof({ maxDepth: 4 }, number, computed, chosen, negated) };
  });

  it('gives what CEL itself gives', () => {
    fc.assert(
      fc.property(expression, (text) => {
        let expected: JsonValue;
        try {
          expected = Number(cel(text));
        } catch (error) {
          expected = `failed: ${(error as { summary: string }).summary}`;
        }
        expect(evaluate(`=${text}`)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe('what an expression reads', () => {
  function references(text: string): unknown {
    const parsed = parseExpression(text);
    return parsed.ok ? parsed.expression.references.map((path) => path.join('.')) : parsed.reasons;
  }

  it.each([
    ['=split.regions', ['split.regions']],
    ['=size(split.regions) > split.count', ['split.regions', 'split.count']],
    ['=fit.exists(f, f.b_value < trigger.ratio && item.ok)', ['fit', 'trigger.ratio', 'item.ok']],
    ['=fit.map(fit, fit.x)', ['fit']],
    ['=has(split.count)', ['split']],
    ['=split.regions[index].name', ['split.regions', 'index']],
    ['=a.b + a.b + a', ['a.b', 'a']],
    ['=state.fit == "failed"', ['state.fit']],
  ])('%s: %j', (text, paths) => {
    expect(references(text)).toEqual(paths);
  });
});

describe('judging', () => {
  it.each([
    ['=split.regoins', 'split has no "regoins"'],
    [
      '=fit.b_value',
      'fit is a list and has no "b_value": its elements have; write fit.map(x, x.b_value) or fit[0].b_value',
    ],
    ['=fit.exists(f, f.bvalue < 1)', 'f has no "bvalue"'],
    ['=trigger.name.x', 'trigger.name is a string and has no "x"'],
    ['=trigger.name + 1', 'cannot compute string + int'],
    ['=size(trigger.rounds)', 'cannot call size(int)'],
    ['=!trigger.name', 'cannot compute !string'],
    ['=trigger.ready && trigger.name', "Logical operator requires bool operands, got 'string'"],
    [
      '=trigger.secret + "x"',
      'trigger.secret is a password: it may only be passed whole to an input of type password, or of a container',
    ],
    [
      '=[trigger]',
      'its result may hold what is a password: it may only be passed whole to an input of type password, or of a container',
    ],
    ['=1 +', 'is no valid expression: Unexpected token: EOF (at character 4)'],
    ['=', 'is an empty expression; write == for a text that starts with ='],
    ['=b"bytes"', 'bytes and unsigned numbers are no JSON values'],
    ['=import', 'is no valid expression: Reserved identifier: import (at character 1)'],
  ])('%s: %s', (text, reason) => {
    expect(reasons(text)).toEqual([reason]);
  });

  it('refuses regular expressions, and says why', () => {
    expect(reasons('=trigger.name.matches("(a+)+$")')).toEqual([
      'calls matches, which is not available: a regular expression can take seconds on a few characters; use contains, startsWith or endsWith, or match in an action',
    ]);
  });

  it('lists the functions there are when one is unknown', () => {
    expect(reasons('=len(fit)')).toEqual([
      'calls len, which is no function here; there are size, int, double, string, bool, dyn, has',
    ]);
  });

  it('knows what a result is', () => {
    const typeOf = (text: string): StaticType | undefined => {
      const compiled = compile(text);
      return compiled.ok ? compiled.compiled.type : undefined;
    };
    expect(typeOf('=size(fit) > 3')).toEqual(scalar('boolean'));
    expect(typeOf('=trigger.rounds + 1')).toEqual(scalar('integer'));
    expect(typeOf('=trigger.rounds * 0.5')).toEqual(scalar('float'));
    expect(typeOf('=fit.filter(f, f != null)')).toEqual(types.fit);
    expect(typeOf('=split.count')).toEqual(scalar('integer', true));
    expect(typeOf('=item.x')).toEqual(unknownType);
  });
});

describe('bounds', () => {
  const many = Array.from({ length: 3_000 }, (_, index) => index);
  const tooMuch = 'failed: takes more than 4000000 steps; do work of this size in an action';

  it('lets one loop over 100,000 elements pass', () => {
    const fit = Array.from({ length: 100_000 }, () => ({ b_value: 1, events: 3 }));
    expect(evaluate('=fit.exists(f, f != null && f.b_value < 0.7)', { ...scope, fit })).toBe(false);
  });

  it.each([
    '=item.exists(a, item.exists(b, a + b < 0))',
    '=item.all(a, item.exists(b, item.exists(c, a + b == c - 1)))',
    '=item.filter(a, item == item.map(x, x))',
    '=item.map(a, item)',
  ])('stops %s', (text) => {
    expect(evaluate(text, { item: many })).toBe(tooMuch);
  });

  it('does not trust a loop that found an answer after it ran out of steps', () => {
    expect(evaluate('=item.exists(a, item.exists(b, item.exists(c, c < 0)) || a == 2999)', { item: many })).toBe(
      tooMuch,
    );
  });

  it('stops texts that grow', () => {
    expect(
      evaluate('=item.map(a, trigger.name).join(trigger.name)', {
        item: many,
        trigger: { name: 'x'.repeat(1_000_000) },
      }),
    ).toBe(tooMuch);
  });

  it.each([
    ['its length', `=1${' + 1'.repeat(2_000)}`],
    ['its parts', `=1${'+1'.repeat(500)}`],
    ['its depth', `=${'('.repeat(100)}1${')'.repeat(100)}`],
    ['negations', `=${'!'.repeat(3_000)}true`],
    ['nested loops', '=fit.map(a, fit.map(b, fit.map(c, fit.map(d, fit.map(e, 1)))))'],
    ['references', `=[${Array.from({ length: 70 }, (_, index) => `item.x${index}`).join(',')}]`],
  ])('bounds %s', (_, text) => {
    expect(reasons(text)).toHaveLength(1);
  });
});

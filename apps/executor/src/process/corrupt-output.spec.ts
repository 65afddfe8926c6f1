import { describeWithPython, LauncherFixture, type ActionSource, type Declarations } from './testing/launcher-fixture';

type Case = readonly [what: string, type: Declarations[string], code: string, failure: object];

const named = (kind: string, message: RegExp | string) => ({
  kind,
  message: typeof message === 'string' ? message : expect.stringMatching(message),
});

/** By what it returns. JSON has no NaN: what a language makes of it is judged as that. */
const node: readonly Case[] = [
  ['NaN for a number', 'float', 'NaN', named('invalid', /Output x holds NaN/)],
  ['Infinity for a number', 'float', 'Infinity', named('invalid', /Output x holds NaN or an infinity/)],
  ['nothing for what is required', 'string', 'undefined', named('invalid', /output x is required/)],
  ['a function', 'string', '() => 1', named('invalid', /function is no JSON value/)],
  ['another type', 'boolean', '"yes"', named('invalid', /output x: expected boolean, found a string/)],
  ['a text that is no number', 'integer', '"7"', named('invalid', /output x: expected integer/)],
  ['a path that is not there', 'file', '"/no/such/file"', named('user', /output x/)],
  ['bytes for a text that names a file', 'file', '"\\u0000\\u0001"', named('user', /output x/)],
  [
    'what is nested deeper than anything can walk',
    'json',
    '(() => { let a = []; for (let n = 0; n < 100_000; n++) a = [a]; return a; })()',
    { kind: expect.stringMatching(/crash|invalid/) },
  ],
  ['what no JSON can hold', 'json', 'Symbol("x")', { kind: expect.stringMatching(/crash|invalid/) }],
  [
    'what contains itself',
    'json',
    '(() => { const o = {}; o.o = o; return o; })()',
    { kind: expect.stringMatching(/crash|invalid/) },
  ],
];

const python: readonly Case[] = [
  ['NaN for a number', 'float', 'float("nan")', { kind: expect.stringMatching(/invalid|crash/) }],
  ['bytes', 'string', 'b"\\xff"', { kind: expect.stringMatching(/invalid|crash/) }],
  ['a set', 'json', '{1, 2}', { kind: expect.stringMatching(/invalid|crash/) }],
];

/** Large outputs take their time on a machine that has other things to do. */
jest.setTimeout(120_000);

describe('an action whose output is corrupt', () => {
  let fixture: LauncherFixture;
  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  const action = (type: ActionSource['type'], code: string, outputs: Declarations) =>
    fixture.action({ type, code, outputs });
  const sound = () => action('nodejs', 'module.exports = () => ({ x: 1 })', { x: 'integer' });

  it.each(node)(
    'fails with its kind when it returns %s, and the next one runs',
    async (_what, type, value, failure) => {
      const hash = await action('nodejs', `module.exports = () => ({ x: ${value} })`, { x: type });
      expect(await fixture.failureOf(hash)).toMatchObject(failure);
      expect(await fixture.outputsOf(await sound())).toEqual({ x: 1 });
    },
  );

  it.each<Case>([
    ['what is no object', 'string', '"text"', { kind: expect.stringMatching(/invalid|crash/) }],
    ['a list', 'string', '[1]', { kind: expect.stringMatching(/invalid|crash/) }],
  ])('fails with its kind when it returns %s instead of outputs', async (_what, type, value, failure) => {
    const hash = await action('nodejs', `module.exports = () => (${value})`, { x: type });
    expect(await fixture.failureOf(hash)).toMatchObject(failure);
  });

  it.each([
    ['no JSON', 'Buffer.from("no json\\n")'],
    ['binary', 'Buffer.from([0xff, 0x00, 0x0a])'],
    ['JSON of another shape', 'Buffer.from("[1]\\n{\\"type\\":\\"nothing\\"}\\n7\\nnull\\n")'],
    ['a line without an end', 'Buffer.alloc(50_000_000, 0x78)'],
  ])('that writes %s where its results go fails or succeeds, and never hangs', async (_what, bytes) => {
    const code = `
      const { writeSync, readdirSync } = require('node:fs');
      module.exports = () => {
        for (const fd of readdirSync('/proc/self/fd')) {
          if (Number(fd) > 2) try { writeSync(Number(fd), ${bytes}); } catch {}
        }
        return { x: 1 };
      };`;
    const hash = await action('nodejs', code, { x: 'integer' });
    const { outcome } = await fixture.run(hash, {}, { timeoutMs: 10_000 });
    expect(['failed', 'succeeded']).toContain(outcome.status);
    expect(await fixture.outputsOf(await sound())).toEqual({ x: 1 });
  });

  it('that never stops writing ends with its time limit', async () => {
    const code = `
      const { writeSync } = require('node:fs');
      module.exports = () => {
        for (;;) try { writeSync(1, Buffer.alloc(65536, 0xff)); } catch { /* the pipe is full */ }
      };`;
    const hash = await action('nodejs', code, {});
    expect(await fixture.failureOf(hash, {}, { timeoutMs: 1_500 })).toMatchObject({ kind: 'timeout' });
    expect(await fixture.outputsOf(await sound())).toEqual({ x: 1 });
  });

  describeWithPython('in Python', () => {
    it.each(python)('fails with its kind when it returns %s', async (_what, type, value, failure) => {
      const hash = await action('python3', `def handle(inputs):\n    return {"x": ${value}}\n`, { x: type });
      expect(await fixture.failureOf(hash)).toMatchObject(failure);
      expect(await fixture.outputsOf(await sound())).toEqual({ x: 1 });
    });
  });
});

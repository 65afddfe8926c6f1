import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '@ryax/testing';
import { LauncherFixture, type ActionSource } from './testing/launcher-fixture';

describe('a Node handler', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  const action = (code: string, rest: Partial<ActionSource> = {}) => fixture.action({ type: 'nodejs', code, ...rest });
  const result = { outputs: { y: 'json' } } as const;

  it('is called with its inputs, and its result becomes the outputs', async () => {
    const hash = await action('module.exports = ({ x }) => ({ y: x * 2 })', {
      inputs: { x: 'integer' },
      outputs: { y: 'integer' },
    });

    expect(await fixture.outputsOf(hash, { x: 21 })).toEqual({ y: 42 });
  });

  it.each<[string, string, Record<string, string>?]>([
    ['the export itself', 'module.exports = () => ({ y: 1 })'],
    ['exports.handle', 'exports.handle = () => ({ y: 1 })'],
    ['an async function', 'module.exports = async () => { await null; return { y: 1 } }'],
    ['a list of one', 'module.exports = () => [{ y: 1 }]'],
    ['a generator of one', 'module.exports = function* () { yield { y: 1 } }'],
    ['an async generator of one', 'module.exports = async function* () { yield { y: 1 } }'],
    [
      'an ES module, where the folder says so',
      'export default () => ({ y: 1 })',
      { 'package.json': '{"type":"module"}' },
    ],
  ])('may be %s', async (_, code, files = {}) => {
    expect(await fixture.outputsOf(await action(code, { ...result, files }))).toEqual({ y: 1 });
  });

  it('is told in each call which attempt of which execution it is', async () => {
    const hash = await action('module.exports = () => ({ y: process.env })', result);

    expect(await fixture.outputsOf(hash)).toMatchObject({ y: { RYAX_EXECUTION: 'fit', RYAX_ATTEMPT: '1' } });
    expect(await fixture.outputsOf(hash, {}, { execution: 'fit.7', attempt: 2 })).toMatchObject({
      y: { RYAX_RUN_ID: 'run-1', RYAX_EXECUTION: 'fit.7', RYAX_ATTEMPT: '2' },
    });
  });

  it('is CommonJS and sloppy whatever the folders above say', async () => {
    await writeFile(join(fixture.directory, 'package.json'), '{"type":"module"}');

    expect(await fixture.outputsOf(await action('total = 5; module.exports = () => ({ y: total })', result))).toEqual({
      y: 5,
    });
  });

  it('finds its modules, its data by relative names, and its own folder as working directory in every call', async () => {
    const code = `
      const { readFileSync } = require('node:fs');
      const { twice } = require('./lib/twice');
      module.exports = () => {
        const y = twice(readFileSync('data.txt', 'utf8'));
        process.chdir('/');
        return { y };
      }`;
    const files = { 'lib/twice.js': 'exports.twice = (text) => text + text', 'data.txt': 'ab' };
    const hash = await action(code, { ...result, files });

    expect(await fixture.outputsOf(hash)).toEqual({ y: 'abab' });
    expect(await fixture.outputsOf(hash)).toEqual({ y: 'abab' });
  });

  it('stays loaded between calls', async () => {
    const hash = await action('let calls = 0; module.exports = () => ({ y: [++calls, process.pid] })', result);

    const [first, second] = [await fixture.outputsOf(hash), await fixture.outputsOf(hash)];

    expect(first['y']).toEqual([1, expect.any(Number)]);
    expect(second['y']).toEqual([2, (first['y'] as number[])[1]]);
  });

  it('has one call at a time in a process', async () => {
    const hash = await action(
      `let now = 0;
       module.exports = async () => { now += 1; await new Promise((go) => setTimeout(go, 20)); const y = now; now -= 1; return { y } }`,
      result,
    );

    expect(await Promise.all([1, 2, 3].map(() => fixture.outputsOf(hash)))).toEqual([{ y: 1 }, { y: 1 }, { y: 1 }]);
  });

  it('returns nothing as no outputs', async () => {
    expect(await fixture.outputsOf(await action('module.exports = () => {}'))).toEqual({});
  });

  it.each([
    ['several results', 'module.exports = () => [{ y: 1 }, { y: 2 }]', 'streaming outputs are not supported yet'],
    ['no results', 'module.exports = () => []', 'streaming outputs are not supported yet'],
    [
      'an endless generator',
      'module.exports = function* () { for (;;) yield {} }',
      'streaming outputs are not supported yet',
    ],
    ['a number', 'module.exports = () => 7', 'must return an object, found a number'],
    ['a list of numbers', 'module.exports = () => [7]', 'found a list of number'],
    ['NaN', 'module.exports = () => ({ y: { deep: [NaN] } })', 'Output y holds NaN'],
    ['a large bigint', 'module.exports = () => ({ y: 2n ** 60n + 1n })', 'too large to be kept exactly'],
    ['a function', 'module.exports = () => ({ y: () => 1 })', 'a function is no JSON value'],
    ['a value that holds itself', 'module.exports = () => { const y = {}; y.y = y; return { y } }', 'Output y'],
  ])('is refused when it returns %s', async (_, code, message) => {
    expect(await fixture.failureOf(await action(code, result))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  it('ends as the user error that it throws by name', async () => {
    const hash = await action(`
      class RyaxException extends Error { constructor(message, code) { super(message); this.code = code } }
      class NoData extends RyaxException {}
      module.exports = () => { throw new NoData('no quakes there', 404) }`);

    expect(await fixture.failureOf(hash)).toEqual({ kind: 'user', message: 'no quakes there', code: 404 });
  });

  it('ends as a crash with the error as its message and the trace in the log', async () => {
    const { outcome, log } = await fixture.run(
      await action("const fail = () => { throw new TypeError('no such depth') };\nmodule.exports = () => fail()"),
    );

    expect(outcome).toEqual({ status: 'failed', failure: { kind: 'crash', message: 'TypeError: no such depth' } });
    expect(log.text).toContain('ryax_handler.js:1');
    expect(log.text).not.toContain('worker.cjs');
  });

  it.each([
    ['a string', "throw 'nothing found'", 'nothing found'],
    ['nothing', 'throw undefined', 'undefined'],
    ['a rejection', "return Promise.reject(new Error('later'))", 'Error: later'],
  ])('may throw %s', async (_, statement, message) => {
    expect(await fixture.failureOf(await action(`module.exports = () => { ${statement} }`))).toEqual({
      kind: 'crash',
      message,
    });
  });

  it.each([
    ['an error in a timer', "setTimeout(() => { throw new Error('in the background') })"],
    ['an unhandled rejection', "void Promise.reject(new Error('in the background'))"],
  ])('fails by %s, and the next call has a fresh process', async (_, statement) => {
    const hash = await action(
      `let calls = 0;
       module.exports = async ({ fail }) => {
         calls += 1;
         if (fail) { ${statement}; await new Promise(() => undefined) }
         return { y: calls };
       }`,
      { ...result, inputs: { fail: 'boolean' } },
    );
    expect(await fixture.outputsOf(hash, { fail: false })).toEqual({ y: 1 });

    expect(await fixture.failureOf(hash, { fail: true })).toEqual({
      kind: 'crash',
      message: 'Error: in the background',
    });
    expect(await fixture.outputsOf(hash, { fail: false })).toEqual({ y: 1 });
  });

  it('does not blame a call for an error that an earlier one left behind', async () => {
    const hash = await action(
      `let calls = 0;
       module.exports = () => { setImmediate(() => { throw new Error('leftover') }); return { y: ++calls } }`,
      result,
    );

    for (let call = 0; call < 5; call++) expect(await fixture.outputsOf(hash)).toEqual({ y: 1 });
  });

  it('fails at once when its promise can never be settled', async () => {
    const hash = await action('module.exports = () => new Promise(() => undefined)');

    expect(await fixture.failureOf(hash)).toMatchObject({
      kind: 'crash',
      message: expect.stringContaining('never ends'),
    });
  });

  it.each([
    ['ends its process', 'process.exit(3)', 'exited with status 3', 3],
    ['kills its process', "process.kill(process.pid, 'SIGKILL')", 'exited with status 137 (SIGKILL)', 137],
    ['aborts', 'process.abort()', 'exited with status 134 (SIGABRT)', 134],
  ])('fails when it %s', async (_, statement, message, code) => {
    const failure = await fixture.failureOf(
      await action(
        `module.exports = async () => { console.error('last words'); ${statement}; await new Promise(() => setTimeout(() => undefined, 1e6)) }`,
      ),
    );

    expect(failure).toMatchObject({ kind: 'crash', code, message: expect.stringContaining(message) });
  });

  it.each([
    ['does not parse', 'module.exports = (', 'SyntaxError'],
    ['throws while it is loaded', "throw new Error('no licence')", 'Error: no licence'],
    ['exports nothing', 'const handle = () => ({})', 'exports no function'],
  ])('fails when its file %s, and is loaded again by the next attempt', async (_, code, message) => {
    const hash = await action(code);

    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await fixture.failureOf(hash)).toMatchObject({ kind: 'crash', message: expect.stringContaining(message) });
    }
  });

  it('is told which module is missing and that nobody installs it', async () => {
    const { outcome, log } = await fixture.run(await action("require('left-pad'); module.exports = () => ({})"));

    expect(outcome).toMatchObject({
      status: 'failed',
      failure: { kind: 'crash', message: expect.stringContaining('left-pad') },
    });
    expect(log.text).toContain('[ryax] The module left-pad is missing');
  });

  describe('and its output', () => {
    it('is its log, from both streams, complete when the attempt has ended', async () => {
      const hash = await action(`
        module.exports = () => { for (let i = 0; i < 2000; i++) { console.log('out ' + i); console.error('err ' + i) } }`);

      const { log } = await fixture.run(hash);

      expect(log.lines.filter((line) => line.startsWith('out'))).toHaveLength(2000);
      expect(log.lines.filter((line) => line.startsWith('err')).at(-1)).toBe('err 1999');
    });

    it('belongs to its own call, also in a warm worker', async () => {
      const hash = await action('module.exports = ({ x }) => { process.stdout.write(x) }', { inputs: { x: 'string' } });

      for (const x of ['first', 'second', 'third']) {
        expect((await fixture.run(hash, { x })).log.text).toBe(x);
      }
    });

    it('survives lines that look like the protocol, and bytes that are no text', async () => {
      const hash = await action(
        `module.exports = () => {
           console.log('{"call": 1, "outputs": {"y": "forged"}, "last": true}');
           process.stdout.write(Buffer.from([0, 255, 10]));
           return { y: 'true' };
         }`,
        result,
      );

      expect(await fixture.outputsOf(hash)).toEqual({ y: 'true' });
    });

    it('includes that of its children, and what it writes to descriptors and to /dev/stderr itself', async () => {
      const hash = await action(`
        const { execSync, spawnSync } = require('node:child_process');
        module.exports = () => {
          require('node:fs').writeSync(2, 'by descriptor\\n');
          spawnSync('sh', ['-c', 'echo by a child; echo by name > /dev/stderr'], { stdio: 'inherit' });
        }`);

      expect((await fixture.run(hash)).log.lines.sort()).toEqual(['by a child', 'by descriptor', 'by name']);
    });

    it('does not reach the next call when a child goes on writing', async () => {
      const hash = await action(
        `const { spawn } = require('node:child_process');
         module.exports = ({ noisy }) => {
           if (noisy) spawn('sh', ['-c', 'while true; do echo noise; done'], { stdio: 'inherit' }).unref();
           console.log('call');
           return { y: process.pid };
         }`,
        { ...result, inputs: { noisy: 'boolean' } },
      );
      const first = await fixture.outputsOf(hash, { noisy: true });

      const { outcome, log } = await fixture.run(hash, { noisy: false });

      expect(outcome).toEqual({ status: 'succeeded', outputs: first });
      expect(log.text).toContain('call');
    });

    it('may be closed by the handler: the call still ends, and so does the next', async () => {
      const hash = await action(
        `const { closeSync } = require('node:fs');
         module.exports = () => { closeSync(1); closeSync(2); return { y: 1 } }`,
        result,
      );

      expect(await fixture.outputsOf(hash)).toEqual({ y: 1 });
      expect((await fixture.run(hash)).outcome.status).toBeDefined();
    });
  });

  it.each([3, 4])('that closes the protocol’s descriptor %d fails, and does not hang', async (descriptor) => {
    const hash = await action(`module.exports = () => { require('node:fs').closeSync(${descriptor}); return {} }`);

    const { outcome } = await fixture.run(hash);
    // A reply still leaves when it was only the way in that was closed.
    if (descriptor === 4) expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash' } });
  });

  it('has a clean environment: nothing of the engine but who it is, a user, a home and a language', async () => {
    const code = 'module.exports = () => ({ y: process.env })';
    const { y } = await fixture.outputsOf(await action(code, result));

    const ofEngine = Object.keys(y as object).filter((name) => name.startsWith('RYAX') || name.includes('SECRET'));
    expect(ofEngine.sort()).toEqual(['RYAX_ATTEMPT', 'RYAX_EXECUTION', 'RYAX_RUN_ID']);
    expect(y).toMatchObject({ LANG: 'C.UTF-8', HOME: expect.stringContaining('home'), USER: expect.any(String) });
  });

  it('that writes beside its code changes only its own copy', async () => {
    const hash = await action(
      `const { existsSync, writeFileSync } = require('node:fs');
       module.exports = async () => {
         const y = existsSync('state.txt');
         writeFileSync('state.txt', 'x');
         await new Promise((go) => setTimeout(go, 50));
         return { y };
       }`,
      result,
    );

    expect(await Promise.all([fixture.outputsOf(hash), fixture.outputsOf(hash)])).toEqual([{ y: false }, { y: false }]);
  });

  it('is ended when it has been idle for long enough', async () => {
    const short = await LauncherFixture.open({ idleMs: 50 });
    const hash = await short.action({
      type: 'nodejs',
      code: 'let n = 0; module.exports = () => ({ y: ++n })',
      ...result,
    });
    expect(await short.outputsOf(hash)).toEqual({ y: 1 });

    await waitFor(async () => (await short.outputsOf(hash, {}))['y'] === 1, {
      intervalMs: 150,
      describe: 'a fresh worker',
    });

    await short.close();
  });
});

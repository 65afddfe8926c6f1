import { describeWithPython, LauncherFixture, type ActionSource } from './testing/launcher-fixture';

describeWithPython('a Python handler', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  const action = (code: string, rest: Partial<ActionSource> = {}) => fixture.action({ type: 'python3', code, ...rest });
  const handle = (body: string, rest: Partial<ActionSource> = {}) => action(`def handle(inputs):\n    ${body}\n`, rest);
  const result = { outputs: { y: 'json' } } as const;

  it('is called with one dict of its inputs, and its dict becomes the outputs', async () => {
    const hash = await handle("return {'y': inputs['x'] * 2}", { inputs: { x: 'integer' }, outputs: { y: 'integer' } });

    expect(await fixture.outputsOf(hash, { x: 21 })).toEqual({ y: 42 });
  });

  it.each([
    ['a function whose argument has another name and a default', "def handle(req: dict = {}):\n    return {'y': 1}"],
    ['a function of two arguments', "def handle(inputs, addons):\n    return {'y': len(addons) + 1}"],
    ['an async function', "async def handle(inputs):\n    return {'y': 1}"],
    ['a generator of one', "def handle(inputs):\n    yield {'y': 1}"],
    ['an async generator of one', "async def handle(inputs):\n    yield {'y': 1}"],
    ['a function that returns a list of one', "def handle(inputs):\n    return [{'y': 1}]"],
    ['a callable object', "class Handle:\n    def __call__(self, inputs):\n        return {'y': 1}\nhandle = Handle()"],
  ])('may be %s', async (_, code) => {
    expect(await fixture.outputsOf(await action(code, result))).toEqual({ y: 1 });
  });

  it('is told in each call which attempt of which execution it is', async () => {
    const code = "import os\ndef handle(inputs):\n    return {'y': dict(os.environ)}";
    const hash = await action(code, result);

    expect(await fixture.outputsOf(hash)).toMatchObject({ y: { RYAX_EXECUTION: 'fit', RYAX_ATTEMPT: '1' } });
    expect(await fixture.outputsOf(hash, {}, { execution: 'fit.7', attempt: 2 })).toMatchObject({
      y: { RYAX_RUN_ID: 'run-1', RYAX_EXECUTION: 'fit.7', RYAX_ATTEMPT: '2' },
    });
  });

  it('is imported as a module, not run as a script', async () => {
    const code = `
import os, sys
me = sys.modules[__name__]
if __name__ == "__main__":
    input("never asked")
def handle(inputs):
    return {'y': [__name__, os.path.basename(__file__), me.handle is handle, os.path.dirname(__file__) == os.getcwd() == sys.path[0]]}
`;
    expect(await fixture.outputsOf(await action(code, result))).toEqual({
      y: ['ryax_handler', 'ryax_handler.py', true, true],
    });
  });

  it('finds its modules and packages, its data by relative names, and its working directory again in every call', async () => {
    const code = `
import os
from functions.twice import twice
import helper
def handle(inputs):
    y = twice(open('data.txt').read()) + helper.SUFFIX
    os.chdir('/')
    return {'y': y}
`;
    const files = {
      'functions/__init__.py': '',
      'functions/twice.py': 'def twice(t): return t + t',
      'helper.py': "SUFFIX = 'ü'",
      'data.txt': 'é',
    };
    const hash = await action(code, { ...result, files });

    expect(await fixture.outputsOf(hash)).toEqual({ y: 'ééü' });
    expect(await fixture.outputsOf(hash)).toEqual({ y: 'ééü' });
  });

  it('stays imported between calls, in one process, with one event loop', async () => {
    const code = `
import asyncio, os
calls = 0
lock = None
async def handle(inputs):
    global calls, lock
    calls += 1
    lock = lock or asyncio.Event()
    asyncio.get_running_loop().call_soon(lock.set)
    await lock.wait()
    return {'y': [calls, os.getpid()]}
`;
    const hash = await action(code, result);
    const [first, second] = [await fixture.outputsOf(hash), await fixture.outputsOf(hash)];

    expect(first['y']).toEqual([1, expect.any(Number)]);
    expect(second['y']).toEqual([2, (first['y'] as number[])[1]]);
  });

  it('returns None as no outputs', async () => {
    expect(await fixture.outputsOf(await handle('pass'))).toEqual({});
  });

  it('may return what numpy and pathlib make', async () => {
    const code = `
import pathlib, enum
class Scalar:
    def item(self): return 2.5
class Array:
    def tolist(self): return [1, 2]
class Colour(str, enum.Enum):
    RED = 'red'
def handle(inputs):
    return {'y': {'scalar': Scalar(), 'array': Array(), 'path': pathlib.Path('/tmp/x'), 'pair': (1, 2), 'colour': Colour.RED, 1: None}}
`;
    expect(await fixture.outputsOf(await action(code, result))).toEqual({
      y: { scalar: 2.5, array: [1, 2], path: '/tmp/x', pair: [1, 2], colour: 'red', '1': null },
    });
  });

  it.each([
    ['several results', "return [{'y': 1}, {'y': 2}]", 'streaming outputs are not supported yet'],
    ['no results', 'return []', 'streaming outputs are not supported yet'],
    ['an endless generator', 'return ({} for _ in iter(int, 1))', 'streaming outputs are not supported yet'],
    ['an int', 'return 7', 'must return a dict, found int'],
    ['a list of ints', 'return [7]', 'found a list of int'],
    ['NaN', "return {'y': {'deep': [float('nan')]}}", 'Output y holds NaN'],
    ['an int that no float can hold', "return {'y': 2 ** 60 + 1}", 'too large to be kept exactly'],
    ['an enormous int', "return {'y': 10 ** 400}", 'too large to be kept exactly'],
    ['a set', "return {'y': {1, 2}}", 'Output y: a value of type set is no JSON value'],
    ['an object of its own', "return {'y': type('Quake', (), {})()}", 'Quake'],
    ['a value that holds itself', "y = []; y.append(y); return {'y': y}", 'Output y holds itself'],
  ])('is refused when it returns %s', async (_, body, message) => {
    expect(await fixture.failureOf(await handle(body, result))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining(message),
    });
  });

  const ryaxException = `
from dataclasses import dataclass
@dataclass
class RyaxException(Exception):
    message: str
    code: int
`;

  it.each([
    ['raised', "raise RyaxException(message='no quakes there', code=404)"],
    [
      'raised from another',
      "\n    try:\n        1 / 0\n    except ZeroDivisionError as e:\n        raise RyaxException('no quakes there', 404) from e",
    ],
    ['raised as a subclass', "\n    class NoData(RyaxException): pass\n    raise NoData('no quakes there', 404)"],
  ])('ends as the user error that is %s', async (_, body) => {
    const hash = await action(`${ryaxException}\ndef handle(inputs):\n    ${body}\n`);

    expect(await fixture.failureOf(hash)).toEqual({ kind: 'user', message: 'no quakes there', code: 404 });
  });

  it('ends as a crash with the last line of the traceback as its message, and all of it in the log', async () => {
    const hash = await action("def locate(d):\n    return d['depth']\ndef handle(inputs):\n    locate({})\n");

    const { outcome, log } = await fixture.run(hash);

    expect(outcome).toEqual({ status: 'failed', failure: { kind: 'crash', message: "KeyError: 'depth'" } });
    expect(log.lines[0]).toBe('Traceback (most recent call last):');
    expect(log.text).toContain('ryax_handler.py", line 2, in locate');
    expect(log.text).not.toContain('worker.py');
  });

  it('stays warm after an exception', async () => {
    const hash = await action(
      "calls = 0\ndef handle(inputs):\n    global calls\n    calls += 1\n    if calls == 1: raise ValueError('first')\n    return {'y': calls}\n",
      result,
    );

    expect(await fixture.failureOf(hash)).toMatchObject({ message: 'ValueError: first' });
    expect(await fixture.outputsOf(hash)).toEqual({ y: 2 });
  });

  it.each([
    ['calls sys.exit(3)', 'import sys; sys.exit(3)', { message: 'The handler called sys.exit(3)', code: 3 }],
    ['calls sys.exit(0)', 'import sys; sys.exit(0)', { code: 0 }],
    ['raises KeyboardInterrupt', 'raise KeyboardInterrupt()', { message: 'KeyboardInterrupt' }],
    [
      'calls os._exit(3)',
      'import os; os._exit(3)',
      { message: "The handler's process exited with status 3 during the call", code: 3 },
    ],
    [
      'dies by a signal',
      'import os; os.kill(os.getpid(), 11)',
      { message: expect.stringContaining('139 (SIGSEGV)'), code: 139 },
    ],
    [
      'raises what cannot be shown',
      "raise type('Odd', (Exception,), {'__str__': lambda s: 1 / 0})()",
      { message: expect.stringContaining('cannot be shown') },
    ],
  ])('fails when it %s', async (_, body, failure) => {
    expect(await fixture.failureOf(await handle(body))).toMatchObject({ kind: 'crash', ...failure });
  });

  it.each([
    ['does not parse', 'def handle(', 'SyntaxError'],
    ['raises while it is imported', "raise RuntimeError('no licence')", 'RuntimeError: no licence'],
    ['exits while it is imported', 'import sys; sys.exit(4)', 'sys.exit(4)'],
    ['has no handle', 'def main(inputs): pass', 'has no function named handle'],
  ])('fails when its file %s, and is imported again by the next attempt', async (_, code, message) => {
    const hash = await action(code);

    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await fixture.failureOf(hash)).toMatchObject({ kind: 'crash', message: expect.stringContaining(message) });
    }
  });

  it('is told which module is missing and that nobody installs it', async () => {
    const { outcome, log } = await fixture.run(await action('import not_there_at_all\ndef handle(i): pass'));

    expect(outcome).toMatchObject({ failure: { message: "ModuleNotFoundError: No module named 'not_there_at_all'" } });
    expect(log.text).toContain('[ryax] The module not_there_at_all is missing');
  });

  describe('and its output', () => {
    it('is its log: print, logging without configuration, warnings, children and C code', async () => {
      const code = `
import ctypes, logging, os, subprocess, sys, warnings
def handle(inputs):
    print('by print')
    print('by stderr', file=sys.stderr)
    logging.info('by logging')
    os.system('echo by a child; echo by name > /dev/stderr')
    subprocess.run(['echo', 'by subprocess'])
    ctypes.CDLL(None).puts(b'by C')
    sys.stdout.write('without an end')
`;
      const { log } = await fixture.run(await action(code));

      expect(log.text).toMatch(/INFO root: by logging/);
      for (const line of [
        'by print',
        'by stderr',
        'by a child',
        'by name',
        'by subprocess',
        'by C',
        'without an end',
      ]) {
        expect(log.text).toContain(line);
      }
    });

    it('belongs to its own call, also in a warm worker', async () => {
      const hash = await handle("print(inputs['x'], end='')", { inputs: { x: 'string' } });

      for (const x of ['first', 'second', 'third']) expect((await fixture.run(hash, { x })).log.text).toBe(x);
    });

    it('may be garbage, and other than UTF-8', async () => {
      const hash = await handle(`import os; os.write(1, b'{"call": 1}\\n\\xff\\x00'); return {'y': 1}`, result);

      expect(await fixture.outputsOf(hash)).toEqual({ y: 1 });
    });

    it.each([
      ['closes its streams', 'import sys; sys.stdout.close(); sys.stderr.close()'],
      ['closes its descriptors', 'import os; os.close(1); os.close(2)'],
      ['points them elsewhere', "import os; n = os.open('/dev/null', os.O_WRONLY); os.dup2(n, 1); os.dup2(n, 2)"],
      ['takes away its streams', 'import sys; sys.stdout = sys.stderr = None'],
    ])('is whole again in the next call when the handler %s', async (_, statement) => {
      const hash = await handle(`print('call', inputs['n'], flush=True); ${statement}`, { inputs: { n: 'integer' } });

      expect((await fixture.run(hash, { n: 1 })).log.text).toBe('call 1\n');
      expect((await fixture.run(hash, { n: 2 })).log.text).toBe('call 2\n');
    });
  });

  it('may close the descriptors that were the protocol’s', async () => {
    const hash = await handle("import os; os.closerange(3, 100); return {'y': os.getpid()}", result);

    expect(await fixture.outputsOf(hash)).toEqual(await fixture.outputsOf(hash));
  });

  it('fails, and does not hang, when it closes every descriptor there is', async () => {
    const hash = await handle('import os; os.closerange(3, 4096)');

    expect(await fixture.failureOf(hash)).toMatchObject({ kind: 'crash' });
  });

  it('may fork: only the parent answers', async () => {
    const hash = await handle(
      "import os; child = os.fork() == 0; print('child' if child else 'parent', flush=True); child or os.wait(); return {'y': child}",
      result,
    );

    for (let call = 0; call < 3; call++) expect(await fixture.outputsOf(hash)).toEqual({ y: false });
  });

  it('may leave threads behind', async () => {
    const hash = await handle(
      "import threading, time; threading.Thread(target=time.sleep, args=(3600,)).start(); return {'y': 1}",
      result,
    );

    expect(await fixture.outputsOf(hash)).toEqual({ y: 1 });
    expect(await fixture.outputsOf(hash)).toEqual({ y: 1 });
  });

  it('knows its user, has UTF-8 and nothing to read', async () => {
    const hash = await handle(
      "import getpass, sys, locale; return {'y': [bool(getpass.getuser()), sys.flags.utf8_mode, sys.stdin.read()]}",
      result,
    );

    expect(await fixture.outputsOf(hash)).toEqual({ y: [true, 1, ''] });
  });

  it('gets and gives text of every kind', async () => {
    const hash = await handle("return {'y': inputs['x']}", { inputs: { x: 'string' }, ...result });
    const x = 'a\u0000b \u2028 \ud83d\ude00 "quoted" \\ \n';

    expect(await fixture.outputsOf(hash, { x })).toEqual({ y: x });
  });
});

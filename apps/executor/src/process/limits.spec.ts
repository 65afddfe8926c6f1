import { limits } from '@ryax/contracts';
import { describeWithPython, LauncherFixture, RecordedLog, script } from './testing/launcher-fixture';

describe('the end of an attempt', () => {
  let fixture: LauncherFixture;
  /** For what ignores that it is told to stop: whatever does not, has its whole grace. */
  let impatient: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
    impatient = await LauncherFixture.open({ graceMs: 200 });
  });
  afterAll(async () => {
    await fixture.close();
    await impatient.close();
  });

  const stubborn = `trap '' TERM; echo ready; while true; do sleep 1; done`;

  it('comes with its time limit', async () => {
    const failure = { kind: 'timeout', message: 'The time limit of 150 ms passed' };

    expect(await fixture.failureOf(script('sleep 3600'), {}, { timeoutMs: 150 })).toEqual(failure);
    expect(await fixture.failureOf(script('sleep 3600'), {}, { resources: { time_ms: 150 } })).toEqual(failure);
  });

  it('comes with its time limit also for what does not listen', async () => {
    expect(await impatient.failureOf(script(stubborn), {}, { timeoutMs: 150 })).toMatchObject({ kind: 'timeout' });
  });

  it('comes with its time limit for a handler, whose next call is served by another worker', async () => {
    const hash = await fixture.action({
      type: 'nodejs',
      code: 'let n = 0; module.exports = ({ hang }) => { n += 1; while (hang); return { n } }',
      inputs: { hang: 'boolean' },
      outputs: { n: 'integer' },
    });
    expect(await fixture.outputsOf(hash, { hang: false })).toEqual({ n: 1 });

    expect(await fixture.failureOf(hash, { hang: true }, { timeoutMs: 300 })).toMatchObject({ kind: 'timeout' });
    expect(await fixture.outputsOf(hash, { hang: false }, { timeoutMs: 60_000 })).toEqual({ n: 1 });
  });

  it('comes when it is cancelled; what it does on SIGTERM is still in the log', async () => {
    const { running, log } = fixture.start(
      script(`trap 'echo tidied; exit 0' TERM; echo ready; while true; do sleep 0.05; done`),
    );
    await log.shows('ready');

    running.cancel(false);
    running.cancel(false);

    expect((await running.ended).outcome).toEqual({ status: 'cancelled' });
    expect(log.text).toContain('tidied');
  });

  it('comes after a grace when it ignores being cancelled, and at once when it is forced', async () => {
    const patient = impatient.start(script(stubborn));
    await patient.log.shows('ready');
    patient.running.cancel(false);
    expect((await patient.running.ended).outcome).toEqual({ status: 'cancelled' });

    const forced = fixture.start(script(stubborn));
    await forced.log.shows('ready');
    forced.running.cancel(true);
    expect((await forced.running.ended).outcome).toEqual({ status: 'cancelled' });
  });

  it('comes before the beginning when it is cancelled at once', async () => {
    const { running, log } = fixture.start(script('echo ran'));
    running.cancel(false);

    expect((await running.ended).outcome).toEqual({ status: 'cancelled' });
    expect(log.lines).toEqual([]);
  });

  it('cancels a handler with all its children', async () => {
    const hash = await fixture.action({
      type: 'nodejs',
      code: `module.exports = () => new Promise(() => {
        require('node:child_process').spawn('sh', ['-c', 'echo started; exec sleep 3600'], { stdio: 'inherit' });
      })`,
    });
    const { running, log } = fixture.start(hash);
    await log.shows('started');

    running.cancel(false);

    expect((await running.ended).outcome).toEqual({ status: 'cancelled' });
  });

  it('comes when it takes more memory than it may', async () => {
    const hash = await fixture.action({
      type: 'nodejs',
      code: 'module.exports = async () => { const held = []; for (;;) { if (held.length < 60) held.push(Buffer.alloc(8e6, 1)); await new Promise((go) => setTimeout(go, 5)) } }',
    });

    const failure = await fixture.failureOf(hash, {}, { resources: { memory_bytes: 200 * 1024 ** 2 } });

    expect(failure).toMatchObject({
      kind: 'out-of-memory',
      message: expect.stringMatching(/^Used \d+ MiB of memory, allowed are 200 MiB$/),
    });
  });

  it('comes when its children together take more memory than it may', async () => {
    const hog = `node -e 'const b = Buffer.alloc(1.2e8, 1); setTimeout(() => b, 1e6)'`;

    expect(
      await fixture.failureOf(script(`${hog} & ${hog} & wait`), {}, { resources: { memory_bytes: 200 * 1024 ** 2 } }),
    ).toMatchObject({
      kind: 'out-of-memory',
    });
  });

  it('comes as lost when the launcher is closed', async () => {
    const closing = await LauncherFixture.open();
    const { running, log } = closing.start(script('echo ready; sleep 3600'));
    await log.shows('ready');

    await closing.close();

    expect((await running.ended).outcome).toMatchObject({ status: 'failed', failure: { kind: 'lost' } });
  });
});

describe('the output of an attempt', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open({ graceMs: 200 });
  });
  afterAll(() => fixture.close());

  it('waits for a reader that is behind, and is complete in the end', async () => {
    const slow = new RecordedLog(100_000);
    const { running, log } = fixture.start(script('seq 1 200000; echo done'), {}, {}, slow);
    await log.shows('\n1000\n');
    expect(log.text).not.toContain('done');

    slow.catchUp();

    expect((await running.ended).outcome.status).toBe('succeeded');
    expect(log.lines).toHaveLength(200_001);
  });

  it('may be endless: the attempt ends with its time limit', async () => {
    expect(await fixture.failureOf(script('yes'), {}, { timeoutMs: 300 })).toMatchObject({ kind: 'timeout' });
  });

  it('is complete when the process has been killed', async () => {
    const { log } = await fixture.run(script('seq 1 5000; kill -9 $$'));

    expect(log.lines.filter((line) => /^\d+$/.test(line))).toHaveLength(5000);
  });
});

describe('large values', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  it('go to the filestore one by one, and come back as inputs, whole or in part', async () => {
    const make = await fixture.action({
      type: 'nodejs',
      code: "module.exports = () => ({ list: Array.from({ length: 20000 }, (_, i) => ({ name: 'r' + i })), small: [1] })",
      outputs: { list: 'json', small: 'json' },
    });
    const { list, small } = await fixture.outputsOf(make);

    expect(list).toEqual({ $value: expect.stringMatching(/^sha256:/), size: expect.any(Number), count: 20_000 });
    expect(small).toEqual([1]);

    const read = await fixture.action({
      type: 'nodejs',
      code: 'module.exports = ({ all, one }) => ({ found: [all.length, one] })',
      inputs: { all: 'json', one: 'string' },
      outputs: { found: 'json' },
    });
    const one = { ...(list as object), path: [19_999, 'name'] } as never;
    expect(await fixture.outputsOf(read, { all: list ?? null, one })).toEqual({ found: [20_000, 'r19999'] });
  });

  it('go to the filestore, the largest first, until the report is small enough', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `v${index}`);
    const hash = await fixture.action({
      type: 'nodejs',
      code: `module.exports = () => Object.fromEntries(${JSON.stringify(names)}.map((name, i) => [name, 'x'.repeat(30000 + i * 4000)]))`,
      outputs: Object.fromEntries(names.map((name) => [name, 'string' as const])),
    });

    const outputs = await fixture.outputsOf(hash);

    expect(Buffer.byteLength(JSON.stringify(outputs))).toBeLessThan(limits.eventBytes);
    expect(typeof outputs['v0']).toBe('string');
    expect(outputs['v7']).toMatchObject({ size: 58_002 });
  });

  it('that no report and no memory should hold are refused', async () => {
    const hash = await fixture.action({
      type: 'nodejs',
      code: `module.exports = () => { const part = 'x'.repeat(1e8); return { a: part, b: part, c: part } }`,
      outputs: { a: 'string' },
    });

    expect(await fixture.failureOf(hash)).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('return large data as a file'),
    });
  }, 60_000);
});

describeWithPython('a Python handler that takes too long', () => {
  it('is ended, also in the middle of its import', async () => {
    const fixture = await LauncherFixture.open({ graceMs: 200 });
    const hash = await fixture.action({ type: 'python3', code: 'import time\ntime.sleep(3600)' });

    expect(await fixture.failureOf(hash, {}, { timeoutMs: 400 })).toMatchObject({ kind: 'timeout' });
    await fixture.close();
  });
});

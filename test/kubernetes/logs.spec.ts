import { answerWithin } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { TestSite } from './site';
import { itWithTestServer, patienceMs, specMs } from './target';
import { HeldOutput, soonMs } from './test-executor';

const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
/** In the shell. */
const writeNumbered = (from: number, to: number) =>
  `i=${from}; while [ $i -lt ${to} ]; do echo "line $i"; i=$((i+1)); done`;

describe('the output of a pod', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(() => TestSite.expectNoPods(), specMs);
  afterAll(() => TestSite.closeAll(), specMs);

  it(
    'is complete and in order when thousands of lines are written within a second',
    async () => {
      const executor = await site.executor();
      const { log } = await executor.run(site.launch(writeNumbered(0, 2_000)));
      expect(log.lines).toEqual(numbered(0, 2_000));
    },
    specMs,
  );

  it(
    'is complete when it is written in pieces, with pauses',
    async () => {
      const executor = await site.executor();
      const script = `${writeNumbered(0, 300)}; sleep 1; ${writeNumbered(300, 600)}; sleep 1; ${writeNumbered(600, 900)}`;
      const { log } = await executor.run(site.launch(script));
      expect(log.lines).toEqual(numbered(0, 900));
    },
    specMs,
  );

  it(
    'is complete when its last line has no end',
    async () => {
      const executor = await site.executor();
      const { log } = await executor.run(site.launch("echo first; printf 'half a line'"));
      expect(log.text).toBe('first\nhalf a line');
    },
    specMs,
  );

  it(
    'is complete when its last line has no end and comes late',
    async () => {
      const executor = await site.executor();
      const { log } = await executor.run(site.launch("echo first; sleep 1; printf 'half a line'; sleep 1"));
      expect(log.text).toBe('first\nhalf a line');
    },
    specMs,
  );

  it(
    'has a line as it was written that is longer than a runtime keeps in one piece',
    async () => {
      const executor = await site.executor();
      const script = 's=x; while [ ${#s} -lt 40000 ]; do s=$s$s; done; echo "$s"; echo after it';
      const { log } = await executor.run(site.launch(script));
      expect(log.lines.map((line) => line.length)).toEqual([65_536, 8]);
    },
    specMs,
  );

  it(
    'comes while it is written',
    async () => {
      const executor = await site.executor();
      const launch = site.launch('echo begun; sleep 60 & trap "exit 0" TERM; wait');
      const attempt = executor.launch(launch);
      await attempt.log.has('begun');
      attempt.running.cancel(false);
      await attempt.running.ended;
    },
    specMs,
  );

  it(
    'is left by an executor whose broker is away when the pod has ended, and is complete with its successor',
    async () => {
      const first = await site.executor();
      const gate = site.gate();
      const launch = site.launch(`echo begun; ${gate.wait}; ${writeNumbered(0, 100)}`);
      const output = new HeldOutput();
      const { ended } = first.launcher.launch(launch, output);
      try {
        await output.has('begun');
        await gate.open();
        await site.containerIs('terminated', launch);
        // What is heard comes in its order: of the end of this one it has heard, too.
        await first.run(site.launch('true'));
        await answerWithin(soonMs, () => first.close());
        expect(await ended).toBe('left');
      } finally {
        output.release();
      }
      const second = await site.executor();
      const isAdopted = () => {
        second.launcher.alive([second.incarnation]);
        return second.adopted.length === 1;
      };
      await waitFor(isAdopted, { timeoutMs: patienceMs, intervalMs: 100, describe: 'an adoption' });
      expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded' });
      expect(second.adopted[0]?.log.lines).toEqual(['begun', ...numbered(0, 100)]);
      second.forget(launch);
    },
    specMs,
  );

  it(
    'that waits for a broker which is away is not written any more when the attempt is left',
    async () => {
      const [first, second] = [await site.executor(), await site.executor()];
      const output = new HeldOutput();
      const launch = site.launch("printf 'one\\ntwo\\nthree\\n'; sleep 60");
      const { ended } = first.launcher.launch(launch, output);
      await output.has('one');
      await first.close();
      expect(await ended).toBe('left');
      output.release();
      // In that time it would have been.
      await second.run(site.launch('true'));
      expect(output.lines).toEqual(['one']);
      await site.deletePod(site.podName(launch));
    },
    specMs,
  );

  itWithTestServer('is complete when it was cut in the middle of a line while it was followed', async () => {
    await gapless(() => site.server.misbehaviour.cutLogs());
  });

  itWithTestServer('is complete when its file was rotated while it was followed', async () => {
    await gapless((name) => site.server.misbehaviour.rotateLog('runs', name));
  });

  itWithTestServer('is complete when the server was away while it was followed', async () => {
    await gapless(async () => {
      await site.server.goDown();
      await site.server.comeBack();
    });
  });

  itWithTestServer('is complete when the server was away when it was written', async () => {
    const executor = await site.executor();
    const gate = site.gate();
    const launch = site.launch(`${writeNumbered(0, 200)}; ${gate.wait}; ${writeNumbered(200, 400)}`);
    const { log, running } = executor.launch(launch);
    await log.has('line 199\n');
    await site.server.goDown();
    await gate.open();
    const isOver = () => site.server.pod('runs', site.podName(launch))?.status.phase === 'Succeeded';
    await waitFor(isOver, { describe: 'the pod to have ended meanwhile' });
    await site.server.comeBack();
    await running.ended;
    expect(log.lines).toEqual(numbered(0, 400));
    executor.forget(launch);
  });

  itWithTestServer('is complete when it can be read only after a while', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.fail({ path: /\/log\?/, times: 2 });
    const { log } = await executor.run(site.launch(writeNumbered(0, 100)));
    expect(log.lines).toEqual(numbered(0, 100));
  });

  /** Whatever happens in the middle of it: no line is missing, and none comes twice. */
  async function gapless(harm: (podName: string) => void | Promise<void>): Promise<void> {
    const executor = await site.executor();
    const gate = site.gate();
    const launch = site.launch(`${writeNumbered(0, 200)}; ${gate.wait}; ${writeNumbered(200, 400)}`);
    const { log, running } = executor.launch(launch);
    await log.has('line 199\n');
    await harm(site.podName(launch));
    await gate.open();
    await running.ended;
    expect(log.lines).toEqual(numbered(0, 400));
    executor.forget(launch);
  }
});

describe('output that cannot be had', () => {
  let site: TestSite;
  beforeEach(async () => {
    // So long the end of a log is tried to be read.
    site = await TestSite.open({ executor: { reading: { silenceMs: 300_000, endMs: 500 } } });
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  itWithTestServer('that cannot be read does not fail the attempt, and says so', async () => {
    const executor = await site.executor();
    site.server.misbehaviour.fail({ path: /\/log\?/, times: Infinity });
    const { end, log } = await executor.run(site.launch('echo nobody hears'));
    expect(end.outcome).toMatchObject({ status: 'succeeded' });
    expect(log.text).toContain('The end of the output is missing');
  });

  itWithTestServer('that the node has lost is not replaced by its complaint', async () => {
    const executor = await site.executor();
    const gate = site.gate();
    const launch = site.launch(`echo begun; ${gate.wait}; echo nobody hears`);
    const attempt = executor.launch(launch);
    await attempt.log.has('begun');
    site.server.misbehaviour.loseLog('runs', site.podName(launch));
    site.server.misbehaviour.cutLogs();
    await gate.open();
    expect(await attempt.outcome()).toMatchObject({ status: 'succeeded' });
    expect(attempt.log.lines).toEqual(['begun']);
    expect(attempt.log.text).toContain('The end of the output is missing');
    executor.forget(launch);
  });
});

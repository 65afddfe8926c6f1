import type { LogSink } from '../../apps/executor/src/launcher';
import { patienceMs } from './target';
import { describeHandlers, TestAction } from './test-action';

/** `RYAX_TEST_STARTS=1000` for a measurement; as part of all specs there are fewer. */
const starts = Number(process.env['RYAX_TEST_STARTS'] ?? '100');
const limitMs = patienceMs + starts * 200;

/** What the machine does besides decides how long it takes, so the figures are told, and not judged. */
describeHandlers('from ready to started on a warm pod (a test server runs its image from its folder)', () => {
  let action: TestAction;
  beforeAll(async () => {
    action = await TestAction.publish();
  });
  afterAll(() => action.close(), limitMs);

  it(
    'is told for many executions, all of them on one pod',
    async () => {
      const site = await action.site();
      const executor = await site.executor();
      await executor.outcomeOf(action.launch(site, { what: 'first', name: 'a' }));
      const tookMs: number[] = [];
      for (let count = 0; count < starts; count++) {
        const launch = action.launch(site, { what: 'next', name: 'a' });
        const readyAtMs = performance.now();
        const begun = firstWord();
        const running = executor.launcher.launch(launch, begun.sink);
        await begun.said;
        tookMs.push(performance.now() - readyAtMs);
        expect(await running.ended).toMatchObject({ outcome: { status: 'succeeded' } });
        executor.forget(launch);
      }
      expect(site.server.requestCounts['create pods']).toBe(1);
      tell(tookMs);
    },
    limitMs,
  );
});

/** Resolves when the handler has printed something: it runs, and has been heard. */
function firstWord(): { readonly sink: LogSink; readonly said: Promise<void> } {
  let say: () => void = () => undefined;
  const said = new Promise<void>((resolve) => (say = resolve));
  const write = () => {
    say();
    return true;
  };
  return { sink: { write, drained: () => Promise.resolve() }, said };
}

function tell(tookMs: readonly number[]): void {
  const sorted = [...tookMs].sort((one, other) => one - other);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
  process.stdout.write(
    `${sorted.length} starts on a warm pod, from launch to the handler's first word heard: ` +
      `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms\n`,
  );
}

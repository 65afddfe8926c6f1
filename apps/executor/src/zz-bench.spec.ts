import { ExecutorFixture, noopOf, named } from './testing/executor-fixture';
it('bench', async () => {
  const e = await ExecutorFixture.started();
  let n = 0;
  const go = async (batches: number) => {
    for (let b = 0; b < batches; b++) {
      const starts = Array.from({ length: 200 }, () => noopOf(`a.${n++}`, { reply_partition: n % 16 }));
      await e.broker.deliver(
        e.startQueue,
        starts.map((s) => ({ id: 'x', type: 'execution.start' as const, source: 's', project: 'default', data: s })),
      );
      await e.broker.deliver(e.ownQueue, [
        {
          id: 'x',
          type: 'execution.settled' as const,
          source: 's',
          project: 'default',
          data: { attempts: starts.map(named) },
        },
      ]);
      e.broker.published.length = 0;
    }
  };
  await go(200);
  const t = performance.now();
  await go(1500);
  console.log('us per noop', ((performance.now() - t) * 1000) / 300_000);
});

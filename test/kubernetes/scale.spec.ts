import { asPod, pods as podsResource } from '../../libs/testing/src/kubernetes/objects';
import { TestSite } from './site';
import { itWithTestServer } from './target';

/** `RYAX_TEST_PODS=1000` is the long run; as part of all specs there are fewer. */
const attempts = Number(process.env['RYAX_TEST_PODS'] ?? '150');
const atOnce = 60;
const limitMs = 60_000 + attempts * 600;
const seed = 20_261;

const rates = { throttle: 0.002, fail: 0.01, hangUp: 0.01, loseReply: 0.01, delay: 0.02, delayMs: 50 };
/** Seldom enough that most pods end by themselves. */
const harm = { everyMs: 700, outageMs: 200 };
/** What one change of a pod counts for: harm comes with what happens, which is as much on a slow machine. */
const changeMs = 12;
const leastSucceeded = 0.6 * attempts;
const aimedCalls = 6;
const mostCalls = 8;

describe('many pods on a cluster that misbehaves', () => {
  let site: TestSite;
  beforeAll(async () => {
    site = await TestSite.open({
      server: { bookmarkMs: 500 },
      executor: {
        watching: { silenceMs: 1_500, relistMs: 60_000 },
        reading: { silenceMs: 5_000, endMs: 5_000 },
      },
    });
  });
  afterAll(() => TestSite.closeAll());

  itWithTestServer(
    'all end right, each of them created once, and none is left',
    async () => {
      const { created: uids, nowMs } = followPods();
      const executor = await site.executor();
      site.server.misbehaviour.schedule(seed, rates);
      const chaos = site.server.misbehaviour.chaos(seed, { ...harm, nowMs });
      const faults: string[] = [];
      let succeeded = 0;

      await boundedly(attempts, atOnce, async (index) => {
        const outputs = [{ name: 'index', type: 'integer', help: '', human_name: '' }];
        const script = `echo "pod ${index}"; sleep 0.${index % 4}; echo '{"index": ${index}}' > "$RYAX_OUTPUTS"`;
        const launch = site.launch(script, { action: { outputs } });
        const { end } = await executor.run(launch);
        const { outcome } = end;
        if (outcome.status === 'succeeded' && outcome.outputs['index'] === index) {
          succeeded++;
          return;
        }
        const wasHit = (uids.get(site.podName(launch)) ?? []).some((uid) => chaos.hasHit(uid));
        const mayBe = outcome.status === 'failed' && ['lost', 'out-of-memory'].includes(outcome.failure.kind);
        if (!wasHit || !mayBe) faults.push(`${index}: ${JSON.stringify(outcome)}`);
      });

      const harms = await chaos.stop();
      site.server.misbehaviour.calm();
      const calls = Object.values(site.server.requestCounts).reduce((sum, count) => sum + count, 0) / attempts;
      tell(succeeded, calls, harms.length, site.server.requestCounts);
      expect(faults).toEqual([]);
      expect(succeeded).toBeGreaterThan(leastSucceeded);
      await site.noPodIsLeft();
      expect([...uids].filter(([, { length }]) => length !== 1).map(([name]) => name)).toEqual([]);
      expect(uids.size).toBe(attempts);
      expect(calls).toBeLessThan(mostCalls);
    },
    limitMs,
  );

  /** All that were ever created, by their names; and a time that goes on with each change of one. */
  function followPods() {
    const created = new Map<string, ReturnType<typeof asPod>[]>();
    let changes = 0;
    site.server.store.subscribe(({ resource, type, object }) => {
      if (resource !== podsResource) return;
      changes++;
      if (type !== 'ADDED') return;
      const { name } = object.metadata;
      created.set(name, [...(created.get(name) ?? []), asPod(object)]);
    });
    return { created, nowMs: () => changes * changeMs };
  }

  function tell(succeeded: number, calls: number, harms: number, counts: Readonly<Record<string, number>>): void {
    const each = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
    const { count: faults } = site.server.misbehaviour.requests;
    process.stdout.write(
      `${attempts} pods, ${succeeded} succeeded: ${calls.toFixed(1)} calls for each (the aim is less than ${aimedCalls}), ` +
        `${faults} faults, ${harms} harms; ${each.join(', ')}\n`,
    );
  }
});

async function boundedly(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

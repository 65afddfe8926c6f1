import { Test } from '@nestjs/testing';
import { Health, Log, Metrics, PlatformModule, Shutdown } from '@ryax/platform';
import { ExecutorModule, Executors, type ServedPool } from './executor.module';
import { healthOfPool } from './pool-health';
import { FakeBroker } from './testing/fake-broker';
import { FakeLauncher } from './testing/fake-launcher';
import { settle } from './testing/virtual-time';

const log = new Log({ service: 'test', level: 'error' });

const usual = { site: 'here', finishMs: 0, cancelMs: 0, settleMs: 0 };

function started(broker: FakeBroker, launcher: FakeLauncher) {
  return startedWith(broker, [{ launcher, settings: usual }]);
}

async function startedWith(broker: FakeBroker, pools: readonly ServedPool[]) {
  const module = await Test.createTestingModule({
    imports: [PlatformModule.forRoot({ service: 'test', log }), ExecutorModule.forRoot({ broker, pools })],
  }).compile();
  await module.init();
  await settle();
  return module;
}

describe('executor module', () => {
  it('starts with the application and leaves with its shutdown', async () => {
    const broker = new FakeBroker();
    const launcher = new FakeLauncher();
    const application = await started(broker, launcher);
    expect(broker.declared.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^ryax\.start\./));
    expect((await application.get(Health).unreadyParts()).map(({ name }) => name)).toEqual(['executor lease']);
    expect(await application.get(Metrics).registry.metrics()).toContain('ryax_executor_running 0');

    expect(await application.get(Shutdown).run('test')).toBe(true);
    expect(launcher.closed).toBe(true);
    await application.close();
  });

  it('has an executor for each pool that it serves, with a queue, checks and figures of its own', async () => {
    const broker = new FakeBroker();
    const metrics = new Metrics();
    const health = new Health();
    const served = ['cpu', 'gpu'].map((pool) => ({
      launcher: new FakeLauncher(),
      settings: { ...usual, pool },
      metrics: metrics.part({ pool }),
      health: healthOfPool(health, pool),
    }));
    const application = await startedWith(broker, served);
    expect(broker.declared.filter(({ name }) => name.startsWith('ryax.start.'))).toHaveLength(2);
    const checks = (await health.unreadyParts()).map(({ name }) => name);
    expect(checks.sort()).toEqual(['executor lease of pool cpu', 'executor lease of pool gpu']);
    expect(await metrics.text()).toContain('ryax_executor_running{pool="gpu"} 0');

    expect(await application.get(Shutdown).run('test')).toBe(true);
    expect(served.map(({ launcher }) => launcher.closed)).toEqual([true, true]);
    await application.close();
  });

  it('two of them in one process share nothing', async () => {
    const brokers = [new FakeBroker(), new FakeBroker()];
    const applications = await Promise.all(brokers.map((broker) => started(broker, new FakeLauncher())));
    const incarnations = applications.flatMap((application) =>
      application.get(Executors).all.map(({ incarnation }) => incarnation),
    );
    expect(new Set(incarnations).size).toBe(2);
    for (const application of applications) {
      await application.get(Shutdown).run('test');
      await application.close();
    }
  });
});

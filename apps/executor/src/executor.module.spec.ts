import { Test } from '@nestjs/testing';
import { Health, Log, Metrics, PlatformModule, Shutdown } from '@ryax/platform';
import { Executor } from './executor';
import { ExecutorModule } from './executor.module';
import { FakeBroker } from './testing/fake-broker';
import { FakeLauncher } from './testing/fake-launcher';
import { settle } from './testing/virtual-time';

const log = new Log({ service: 'test', level: 'error' });

async function started(broker: FakeBroker, launcher: FakeLauncher) {
  const settings = { site: 'here', finishMs: 0, cancelMs: 0, settleMs: 0 };
  const module = await Test.createTestingModule({
    imports: [PlatformModule.forRoot({ service: 'test', log }), ExecutorModule.forRoot({ broker, launcher, settings })],
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

  it('two of them in one process share nothing', async () => {
    const brokers = [new FakeBroker(), new FakeBroker()];
    const applications = await Promise.all(brokers.map((broker) => started(broker, new FakeLauncher())));
    const incarnations = applications.map((application) => application.get(Executor).incarnation);
    expect(new Set(incarnations).size).toBe(2);
    for (const application of applications) {
      await application.get(Shutdown).run('test');
      await application.close();
    }
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AmqpBroker } from '@ryax/broker';
import { Log } from '@ryax/platform';
import { useServices, useTestBroker, waitFor, type ServiceProcess } from '@ryax/testing';
import { commandOf, inShort, noopOf, type startOf } from './testing/executor-fixture';
import { RunnerDouble } from './testing/runner-double';

/** The built service as a process of its own, over RabbitMQ: what only the operating system can do to it. */
describe('executor as a process', () => {
  const host = useTestBroker();
  const services = useServices();
  let directory: string;
  let broker: AmqpBroker;
  let runner: RunnerDouble;
  let executor: ServiceProcess;

  const startExecutor = async () => {
    executor = await services.start({
      name: 'executor',
      env: { RYAX_BROKER: host.url, RYAX_DATA_DIR: directory, RYAX_HEALTH_PORT: '0', RYAX_FINISH_SECONDS: '0' },
    });
  };
  const reported = (execution: string, what: string) =>
    waitFor(() => runner.reported(execution).some((report) => inShort(report) === what), {
      describe: () => `${execution} to be reported as ${what}, found ${runner.reported(execution).map(inShort).join()}`,
    });
  const runs = async (start: ReturnType<typeof startOf>) => {
    await runner.start(start);
    await reported(start.execution, 'started');
  };

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-executor-'));
    broker = new AmqpBroker({ url: host.url, name: 'test', log: new Log({ service: 'test', level: 'error' }) });
    runner = new RunnerDouble(broker);
    await runner.open();
    await startExecutor();
    await waitFor(() => runner.incarnations.length > 0, { describe: 'a beat' });
  });

  afterEach(async () => {
    await executor.kill();
    await broker.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('stopped with a start unread, and continued long after, starts nothing', async () => {
    await runner.start(noopOf('before'));
    await reported('before', 'ended succeeded');
    await executor.pause();
    const validMs = 1_500;
    await runner.start(commandOf('late', 'true', { valid_for_ms: validMs }));
    await waitFor(() => runner.silentMs > validMs, { describe: 'its beats to be missed' });
    executor.resume();
    await reported('late', 'returned');
    expect(runner.reported('late').map(inShort)).toEqual(['returned']);
  });

  it('stopped and continued, says what it still holds', async () => {
    await runs(commandOf('a', 'sleep 3600'));
    await executor.pause();
    await waitFor(() => runner.silentMs > 5_500, { describe: 'its beats to be missed' });
    executor.resume();
    await reported('a', 'holding');
  });

  it('killed, has a successor that knows nothing of what it held', async () => {
    const held = commandOf('a', 'sleep 3600');
    await runs(held);
    await executor.kill();
    await startExecutor();
    await waitFor(() => runner.incarnations.length === 2, { describe: 'a beat of the successor' });
    await runner.query(held);
    await reported('a', 'unknown');
    await runner.start(noopOf('b'));
    await reported('b', 'ended succeeded');
  });

  it('told to end, stops what runs, reports it as lost and ends well', async () => {
    await runs(commandOf('a', 'sleep 3600'));
    expect(await executor.stop()).toBe(0);
    await reported('a', 'ended failed lost');
  });
});

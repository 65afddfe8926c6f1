import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBroker, InMemoryServer } from '@ryax/broker';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import { Clock, Health, IdSource, inheritedEnvironment, Log, Metrics } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { Executor } from './executor';
import { ProcessLauncher } from './process';
import { defaultSettings } from './settings';
import { commandOf, inShort, noopOf, sleepOf } from './testing/executor-fixture';
import { RunnerDouble } from './testing/runner-double';

const log = new Log({ service: 'test', level: 'error' });
const clock = new Clock();

describe('executor with real processes over a real transport', () => {
  let directory: string;
  let server: InMemoryServer;
  let runner: RunnerDouble;
  let brokers: InMemoryBroker[];
  let executor: Executor;

  const connect = () => {
    const broker = new InMemoryBroker({ server, log });
    brokers.push(broker);
    return broker;
  };
  const openLauncher = async () => {
    const files = await LocalFileStore.open(join(directory, 'files'));
    const secrets = await openSecrets(files, { directory: join(directory, 'files') });
    const env = inheritedEnvironment();
    return ProcessLauncher.open({ directory: join(directory, 'executor'), files, secrets, log, clock, env });
  };
  const createExecutor = async () =>
    new Executor({
      broker: connect(),
      launcher: await openLauncher(),
      settings: { ...defaultSettings, beatMs: 50, repeatAfterMs: 200, finishMs: 100 },
      clock,
      ids: new IdSource(),
      log,
      metrics: new Metrics(),
      health: new Health(),
    });
  const reported = (execution: string, what: string) =>
    waitFor(() => runner.reported(execution).some((report) => inShort(report) === what), {
      describe: () => `${execution} to be reported as ${what}, found ${runner.reported(execution).map(inShort).join()}`,
    });

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-executor-'));
    server = new InMemoryServer();
    brokers = [];
    runner = new RunnerDouble(connect());
    await runner.open();
    executor = await createExecutor();
    executor.start();
  });

  afterEach(async () => {
    await executor.stopTaking();
    await executor.finish();
    await executor.close();
    await Promise.all(brokers.map((broker) => broker.close()));
    await rm(directory, { recursive: true, force: true });
  });

  it('runs a command, keeps its whole output, and reports its end', async () => {
    await runner.start(commandOf('a', 'echo out; echo err >&2'));
    await reported('a', 'ended succeeded');
    await waitFor(() => runner.chunks.at(-1)?.end === true, { describe: 'the log to end' });
    expect(runner.log('a').split('\n')).toEqual(expect.arrayContaining(['out', 'err']));
  });

  it('reports how a command failed', async () => {
    await runner.start(commandOf('a', 'exit 3'));
    await reported('a', 'ended failed crash');
  });

  it('kills a command that is cancelled by force', async () => {
    const start = commandOf('a', 'sleep 3600');
    await runner.start(start);
    await reported('a', 'started');
    await runner.cancel(start, true);
    await reported('a', 'ended cancelled');
  });

  it('runs many built-ins beside them', async () => {
    await runner.start(commandOf('a', 'true'), ...Array.from({ length: 500 }, (_, n) => noopOf(`n.${n}`)));
    await reported('n.499', 'ended succeeded');
    await reported('a', 'ended succeeded');
    expect(new Set(runner.reports.map(({ execution }) => execution)).size).toBe(501);
  });

  it('a restarted broker loses nothing: what runs is announced, what ended is repeated until it is settled', async () => {
    runner.settles = false;
    await runner.start(noopOf('ended'), sleepOf('sleeping', 3600));
    await reported('ended', 'ended succeeded');
    const before = runner.ends('ended').length;
    server.restart();
    await reported('sleeping', 'holding');
    await waitFor(() => runner.ends('ended').length > before, { describe: 'the outcome to be repeated' });
    runner.settles = true;
    await runner.start(noopOf('after'));
    await reported('after', 'ended succeeded');
  });

  it('a purged queue of ours is no end: beats go on, and so do starts', async () => {
    await runner.start(noopOf('before'));
    await reported('before', 'ended succeeded');
    server.purge(`ryax.start.${executor.incarnation}`);
    server.purge(`ryax.executor.${executor.incarnation}`);
    await runner.start(noopOf('after'));
    await reported('after', 'ended succeeded');
  });

  it('a shutdown reports what it had to stop as lost, so that it is tried elsewhere', async () => {
    await runner.start(commandOf('a', 'sleep 3600'));
    await reported('a', 'started');
    await executor.stopTaking();
    await executor.finish();
    await reported('a', 'ended failed lost');
  });

  it('a query for what another incarnation held is answered unknown', async () => {
    await runner.query(commandOf('never seen', 'true'));
    await reported('never seen', 'unknown');
  });
});

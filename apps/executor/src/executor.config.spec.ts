import { availableParallelism } from 'node:os';
import { ConfigError, loadConfig } from '@ryax/platform';
import { executorConfigSchema, executorSettings, mostIdleWorkers } from './executor.config';
import { defaultSettings, defaultSlots } from './settings';

const broker = { RYAX_BROKER: 'amqp://localhost' };

describe('configuration of an executor', () => {
  it('offers what the machine has unless told otherwise', () => {
    const settings = executorSettings(loadConfig(executorConfigSchema, broker));
    expect({ ...defaultSettings, ...settings }).toMatchObject({ site: 'local', pool: 'default', finishMs: 10_000 });
    expect(settings.capacity).toMatchObject({ cpu: availableParallelism(), gpu: 0 });
    expect(settings.capacity?.slots).toBe(defaultSlots(availableParallelism()));
  });

  it('takes what it is told', () => {
    const config = loadConfig(executorConfigSchema, {
      ...broker,
      RYAX_SITE: 'edge-1',
      RYAX_POOL: 'gpu',
      RYAX_MAX_CONCURRENT_TASKS: '3',
      RYAX_POOL_CPU: '1.5',
      RYAX_POOL_MEMORY: '1.5G',
      RYAX_POOL_GPU: '2',
      RYAX_FINISH_SECONDS: '0',
      RYAX_LIMIT_LOG_BYTES_PER_ATTEMPT: '1000',
    });
    expect(executorSettings(config)).toEqual({
      site: 'edge-1',
      pool: 'gpu',
      capacity: { slots: 3, cpu: 1.5, memory_bytes: 1536 * 1024 * 1024, gpu: 2 },
      poolKind: {
        architecture: expect.stringMatching(/^(amd64|arm64|arm|ppc64le|riscv64|s390x)$/),
        scores: { time: 50, cost: 50, energy: 50 },
        time_limit_ms: null,
        node: { cpu: 1.5, memory_bytes: 1536 * 1024 * 1024, gpu: 2 },
      },
      logBytesPerAttempt: 1_000,
      finishMs: 0,
    });
  });

  it.each([
    ['3', 16],
    ['64', 64],
  ])('keeps with %s slots up to %d workers warm', (slots, workers) => {
    expect(mostIdleWorkers(loadConfig(executorConfigSchema, { ...broker, RYAX_MAX_CONCURRENT_TASKS: slots }))).toBe(
      workers,
    );
  });

  it.each([
    ['1000', 1000],
    ['512M', 512 * 1024 ** 2],
    ['2 GiB', 2 * 1024 ** 3],
    ['1T', 1024 ** 4],
  ])('reads %s as %d bytes', (text, bytes) => {
    const config = loadConfig(executorConfigSchema, { ...broker, RYAX_POOL_MEMORY: text });
    expect(config.RYAX_POOL_MEMORY).toBe(bytes);
  });

  it('names every variable that is missing or wrong', () => {
    const wrong = { RYAX_MAX_CONCURRENT_TASKS: '0', RYAX_POOL_MEMORY: 'much', RYAX_POOL_CPU: '-1', RYAX_POOL: 'a.b' };
    const load = () => loadConfig(executorConfigSchema, wrong);
    expect(load).toThrow(ConfigError);
    for (const variable of ['RYAX_BROKER', ...Object.keys(wrong)]) expect(load).toThrow(variable);
  });

  it.each([
    [1, 8],
    [2, 8],
    [16, 64],
  ])('gives a machine of %d cores %d slots', (cores, slots) => {
    expect(defaultSlots(cores)).toBe(slots);
  });
});

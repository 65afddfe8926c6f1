import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@ryax/platform';
import { useServices, waitFor, type ServiceProcess } from '@ryax/testing';
import { expectSoundHistory, type HistoryEvent } from './engine';

const slow = {
  apiVersion: 'ryax.tech/v2.0',
  kind: 'Workflow',
  spec: {
    id: 'slow',
    actions: [
      {
        id: 'nap',
        action: 'core/sleep',
        for_each: { in: [1, 2, 3, 4, 5, 6, 7, 8], concurrency: 2 },
        inputs: { seconds: 0.5 },
      },
      {
        id: 'write',
        container: {
          image: 'alpine:3.20',
          command: ['sh', '-c', 'echo written; echo \'{"text": "done"}\' > "$RYAX_OUTPUTS"'],
          outputs: [{ name: 'text', type: 'string' }],
        },
        after: ['nap'],
      },
    ],
    results: { text: '=write.text' },
  },
};

describe('the engine in one process', () => {
  const services = useServices();
  const directory = mkdtempSync(join(tmpdir(), 'ryax-standalone-'));
  let engine: ServiceProcess;
  let url = '';

  async function start(): Promise<void> {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    engine = await services.start({
      name: 'standalone',
      env: { RYAX_DATA_DIR: directory, RYAX_HTTP_PORT: String(port), RYAX_EXECUTOR_PATIENCE_MS: '4000' },
      readyUrl: `${url}/readyz`,
    });
  }

  async function json<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(`${url}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (!response.ok)
      throw new Error(`Expected ${method} ${path} to succeed, found ${response.status}: ${await response.text()}`);
    return (await response.json()) as T;
  }

  const history = async (runId: string) =>
    (await json<{ events: HistoryEvent[] }>('GET', `/v1/runs/${runId}/history?limit=1000`)).events;

  async function waitForEnd(runId: string): Promise<string> {
    return waitFor(
      async () => {
        const { run } = await json<{ run: { state: string } }>('GET', `/v1/runs/${runId}`);
        return ['succeeded', 'failed', 'cancelled'].includes(run.state) ? run.state : undefined;
      },
      { timeoutMs: 90_000, describe: () => `run ${runId} to end\n${engine.output.slice(-4_000)}` },
    );
  }

  beforeAll(start, 120_000);
  afterAll(async () => {
    await engine.stop();
    rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }, 60_000);

  it('comes back after kill -9 with all its runs, and ends the one that was in its middle', async () => {
    const { run_id: runId } = await json<{ run_id: string }>('POST', '/v1/executions', { definition: slow });
    await waitFor(async () => (await history(runId)).some((event) => event.type === 'ExecutionSucceeded'), {
      describe: () => 'the run to be in its middle',
    });
    await engine.kill();
    await start();
    expect(await waitForEnd(runId)).toBe('succeeded');
    expect(await json('GET', `/v1/runs/${runId}/results`)).toMatchObject({ results: { text: 'done' } });
    expectSoundHistory(await history(runId));
    const { items } = await json<{ items: { run_id: string }[] }>('GET', '/v1/runs');
    expect(items.map((item) => item.run_id)).toEqual([runId]);
  }, 180_000);

  it('stops in order with status 0, and shows its runs after the next start', async () => {
    const before = await json<{ items: object[] }>('GET', '/v1/runs');
    expect(await engine.stop()).toBe(0);
    await start();
    expect((await json<{ items: object[] }>('GET', '/v1/runs')).items).toEqual(before.items);
  }, 120_000);
});

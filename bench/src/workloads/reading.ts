import { setTimeout as wait } from 'node:timers/promises';
import type { EngineUnderTest } from '../engine';
import { LogView } from '../log-view';
import { RestClient } from '../rest-client';
import { percentile, type Figure } from '../rows';
import { allProjected, type Size } from '../workload';
import { throughputWorkload } from './throughput';

const loads = { full: 5_000, quick: 1_000, smoke: 20 } as const;
const everyMs = 20;

/**
 * W9: what somebody who looks meanwhile has to wait for, and how old what they see is. Three readers beside the load of W2, over
 * connections of their own: the list of runs, the page of the run that was accepted last, and the lag of the read models.
 */
export async function readingWorkload(engine: EngineUnderTest, size: Size): Promise<Figure[]> {
  const client = new RestClient(engine.client.url, engine.client.token);
  const log = await LogView.open(engine.postgres.url);
  let lastAccepted: string | undefined;
  const reading = new AbortController();
  const readers = [
    sample(reading.signal, () => timed(() => client.ask('GET', '/v1/runs?limit=50'))),
    sample(reading.signal, () =>
      lastAccepted === undefined ? undefined : timed(() => client.ask('GET', `/v1/runs/${lastAccepted}`)),
    ),
    sample(reading.signal, () => log.projectionLagMs()),
  ];
  try {
    const figures = await throughputWorkload(engine, 'noop', {
      runs: loads[size],
      onAccepted: (runId) => (lastAccepted = runId),
      onEnded: async () => {
        // What is behind is to be seen until it has come up.
        await allProjected(engine);
        reading.abort();
      },
    });
    const [lists = [], pages = [], lags = []] = await Promise.all(readers);
    return [
      { metric: 'list_p99_ms', unit: 'ms', value: percentile(lists, 99) },
      { metric: 'run_p99_ms', unit: 'ms', value: percentile(pages, 99) },
      { metric: 'projection_lag_p99_ms', unit: 'ms', value: percentile(lags, 99) },
      { metric: 'list_p50_ms', unit: 'ms', value: percentile(lists, 50) },
      { metric: 'run_p50_ms', unit: 'ms', value: percentile(pages, 50) },
      { metric: 'samples', unit: 'reads', value: lists.length },
      ...figures.filter(({ metric }) => metric === 'steps_per_s'),
    ];
  } finally {
    reading.abort();
    await Promise.allSettled(readers);
    client.close();
    await log.close();
  }
}

/** Reads again and again, one read at a time; answers the values, without those that there was nothing to read for. */
async function sample(signal: AbortSignal, read: () => Promise<number> | undefined): Promise<number[]> {
  const values: number[] = [];
  while (!signal.aborted) {
    const began = performance.now();
    const value = await read();
    if (value !== undefined) values.push(value);
    const restMs = Math.max(0, everyMs - (performance.now() - began));
    await wait(restMs);
  }
  return values;
}

async function timed(read: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await read();
  return performance.now() - began;
}

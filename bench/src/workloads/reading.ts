import { setTimeout as wait } from 'node:timers/promises';
import type { EngineUnderTest } from '../engine';
import { LogView } from '../log-view';
import { RestClient } from '../rest-client';
import { percentile, type Figure } from '../rows';
import { allProjected, type Size } from '../workload';
import { throughputWorkload } from './throughput';

const loads = { full: 5_000, quick: 2_000, smoke: 20 } as const;
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
    sample(reading.signal, (due) => since(due, client.ask('GET', '/v1/runs?limit=50'))),
    sample(reading.signal, (due) =>
      lastAccepted === undefined ? undefined : since(due, client.ask('GET', `/v1/runs/${lastAccepted}`)),
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
      { metric: 'samples', unit: 'reads', value: Math.min(lists.length, pages.length, lags.length) },
      ...figures.filter(({ metric }) => metric === 'steps_per_s'),
    ];
  } finally {
    reading.abort();
    await Promise.allSettled(readers);
    client.close();
    await log.close();
  }
}

/**
 * Reads at a fixed rate, whether or not the reads before have been answered, and counts each from the moment in which it was due:
 * who waits for a slow answer before asking again measures how slow the others would have been away. Answers the values, without
 * those that there was nothing to read for.
 */
async function sample(signal: AbortSignal, read: (due: number) => Promise<number> | undefined): Promise<number[]> {
  const values: Promise<number>[] = [];
  for (let due = performance.now(); !signal.aborted; due += everyMs) {
    await wait(Math.max(0, due - performance.now()));
    const value = read(due);
    if (value === undefined) continue;
    // Raised at the end, with the others.
    value.catch(() => undefined);
    values.push(value);
  }
  return Promise.all(values);
}

async function since(due: number, read: Promise<unknown>): Promise<number> {
  await read;
  return performance.now() - due;
}

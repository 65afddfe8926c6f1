import { setTimeout as wait } from 'node:timers/promises';
import { now, percentile } from './clock.mjs';

/** The workloads that every peer can be measured with. */
export const peerWorkloads = ['W1', 'W2', 'W3', 'W4'];

const submitsInFlight = 100;
const pollMs = 10;
const patienceMs = 240_000;

/** The sizes of our own engine, but for a load of 5,000 runs that takes slow peers long. */
const full = {
  warmUpRuns: 2000,
  warmUpChains: 25,
  chainRuns: 10,
  chainSteps: 100,
  loads: [1000, 5000],
  loadSteps: 3,
  fan: 1000,
  fanRuns: 5,
  starts: 200,
};
const quick = { ...full, warmUpRuns: 1000, warmUpChains: 8, loads: [1000], fanRuns: 3, starts: 100 };
const sizesOf = (isQuick) => (isQuick ? quick : full);

/**
 * @typedef {{ id: string, shape: 'chain' | 'fan', steps: number }} PeerRun
 *
 * @typedef {object} PeerClient
 * @property {(run: PeerRun) => Promise<unknown>} submit resolves when the peer has accepted the run
 * @property {(run: PeerRun) => Promise<unknown>} [execute] resolves when the run has ended, where the peer can say so
 * @property {() => Promise<void>} [workerIsReady] what must happen between the start of the worker and the first run
 * @property {(expected: { runs: number, steps: number }) => Promise<number>} endedRuns how many runs the store says have
 *   ended. A store that knows only jobs answers `runs` once just `steps` jobs are complete and none is left, -1 before.
 *   Throws when the store has failed runs or jobs.
 * @property {() => Promise<unknown>} close
 */

/** Runs the workloads against one peer with one worker, and asks the store after each whether all has been done. */
export class Session {
  #client;
  #worker;
  #submitted = { runs: 0, steps: 0 };

  /** @param {PeerClient} client */
  constructor(client, worker) {
    this.#client = client;
    this.#worker = worker;
  }

  /** Connections, caches, compiled code: what is measured is a system that has been running for weeks. */
  async warmUp({ isQuick }) {
    const { warmUpRuns, warmUpChains, loadSteps, chainSteps, fan } = sizesOf(isQuick);
    await this.#load(warmUpRuns, loadSteps);
    for (let run = 0; run < warmUpChains; run++) await this.#execute(this.#nextRun('chain', chainSteps));
    await this.#execute(this.#nextRun('fan', fan));
    await this.untilEnded();
  }

  /** What has to be measured: each with its name, how many steps it has, and what answers its figures. */
  plan({ workloads, isQuick }) {
    const { chainRuns, chainSteps, loads, loadSteps, fan, fanRuns, starts } = sizesOf(isQuick);
    const all = [
      {
        name: 'W1',
        steps: chainRuns * chainSteps,
        measure: () => this.#chains(chainRuns, chainSteps),
      },
      ...loads.map((runs) => ({
        name: `W2 ${runs}`,
        steps: runs * loadSteps,
        measure: () => this.#load(runs, loadSteps),
      })),
      { name: 'W3', steps: fanRuns * (fan + 2), measure: () => this.#fans(fanRuns, fan) },
      { name: 'W4', steps: starts, measure: () => this.#starts(starts) },
    ];
    return all.filter(({ name }) => workloads.includes(name) || workloads.includes(name.split(' ')[0]));
  }

  /** W1: one run after another, each a chain. */
  async #chains(runs, steps) {
    const msPerStep = [];
    for (let i = 0; i < runs; i += 1) {
      const startedAt = now();
      await this.#execute(this.#nextRun('chain', steps));
      msPerStep.push((now() - startedAt) / steps);
    }
    return { ms_per_step: percentile(msPerStep, 50) };
  }

  /** W2: many short runs at once. The end is when the store itself says that all have ended. */
  async #load(runs, steps) {
    const startedAt = now();
    const pending = Array.from({ length: runs }, () => this.#nextRun('chain', steps));
    const ended = pending.map(({ id }) => this.#worker.on(`ended:${id}`));
    // Of several that fail only the first is awaited below.
    for (const promise of ended) promise.catch(() => undefined);
    const queue = pending.values();
    const submitInTurn = async () => {
      for (const run of queue) await this.#client.submit(run);
    };
    await Promise.all(Array.from({ length: submitsInFlight }, submitInTurn));
    await Promise.all(ended);
    await this.untilEnded();
    const seconds = (now() - startedAt) / 1000;
    return { steps_per_s: (runs * steps) / seconds, runs_per_s: runs / seconds };
  }

  /** W3: one run, one step, then many in parallel, then one that joins them. The median of a few. */
  async #fans(runs, width) {
    const totalMs = [];
    for (let i = 0; i < runs; i += 1) {
      const startedAt = now();
      await this.#execute(this.#nextRun('fan', width));
      totalMs.push(now() - startedAt);
    }
    return { total_ms: percentile(totalMs, 50) };
  }

  /** W4: from before a submission to the first line of the run's first step, on an idle engine. */
  async #starts(submissions) {
    const delaysMs = [];
    for (let i = 0; i < submissions; i += 1) {
      const run = this.#nextRun('chain', 1);
      const submittedAt = now();
      const ended = this.#execute(run);
      ended.catch(() => undefined);
      delaysMs.push((await this.#worker.on(`started:${run.id}`)) - submittedAt);
      await ended;
      await wait(5 + Math.random() * 20); // Otherwise submissions could fall in step with something that polls.
    }
    return { start_p50_ms: percentile(delaysMs, 50), start_p99_ms: percentile(delaysMs, 99) };
  }

  /** Waits until the store says that exactly the submitted runs have ended; throws when it says more, or not in time. */
  async untilEnded() {
    const deadline = now() + patienceMs;
    for (;;) {
      const ended = await this.#client.endedRuns(this.#submitted);
      if (ended === this.#submitted.runs) return;
      if (ended > this.#submitted.runs || now() > deadline) {
        throw new Error(`Expected ${this.#submitted.runs} ended runs in the store, found ${ended}`);
      }
      await wait(pollMs);
    }
  }

  #nextRun(shape, steps) {
    this.#submitted.runs += 1;
    this.#submitted.steps += shape === 'fan' ? steps + 2 : steps;
    return { id: `r${this.#submitted.runs}`, shape, steps };
  }

  async #execute(run) {
    if (this.#client.execute) return this.#client.execute(run);
    await this.#client.submit(run);
    await this.#worker.on(`ended:${run.id}`);
  }
}

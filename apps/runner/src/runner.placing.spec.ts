import type { JsonObject } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import { workerKey } from './executors';
import { ownedPartitions, ownerOf } from './partitions';
import { useEngine } from './testing/use-engine';

const content = `sha256:${'a'.repeat(64)}`;
const declared = { inputs: [], outputs: [], resources: {}, categories: [], warnings: [] };
const manifest = { id: 'fit', version: '1.0', human_name: 'Fit', kind: 'Processor', runtime: 'python3', ...declared };
const pinned: JsonObject = { 'fit@1.0': { content_hash: content, manifest } };
const fits = (count: number) => ({ id: 'fit', action: 'fit@1.0', for_each: Array.from({ length: count }, () => 0) });

describe('Where slots are few', () => {
  const opened = useEngine();

  /** The one that the handler has for its own, and the other. */
  async function twoExecutors(slots: number, slotsOfOther = slots) {
    const engine = opened();
    const names = ['e1', 'e2'];
    const own = ownerOf(workerKey('default', content), names) ?? '';
    const other = names.find((name) => name !== own) ?? '';
    const both = { own: await engine.executor(own, slots), other: await engine.executor(other, slotsOfOther) };
    await waitFor(() => both.own.isHeard && both.other.isHeard);
    return both;
  }

  it('runs of one handler that two runners hand out at once have an executor each', async () => {
    const engine = opened();
    const runners = [await engine.runner(), await engine.runner()];
    await waitFor(async () => {
      const owned = await Promise.all(runners.map(({ partitions }) => partitions()));
      return owned.every((count) => count > 0) && owned.reduce((sum, count) => sum + count, 0) === 4;
    });
    const { own, other } = await twoExecutors(1);
    // Each runner answers each beat.
    await waitFor(() => own.answeredBeats >= 4 && other.answeredBeats >= 4);
    const members = await engine.eventLog.members.live(2_500);
    const alive = members.filter(({ kind }) => kind === 'runner').map(({ incarnation }) => incarnation);
    const names = Array.from({ length: 100 }, (_, at) => `run-${at}`);
    const runs = alive.map((runner) => {
      const owned = ownedPartitions(runner, alive, 4);
      return names.find((name) => owned.includes(engine.partitionOf(name))) ?? '';
    });
    const hash = await engine.define([fits(1)], [], pinned);
    await Promise.all(runs.map((run) => engine.start(run, hash)));
    await waitFor(() => own.starts.length + other.starts.length === 2, { describe: 'two starts' });
    expect([own.starts.length, other.starts.length]).toEqual([1, 1]);
  });

  it('what was given back goes elsewhere, whatever who has given it back says to have free', async () => {
    const engine = opened();
    await engine.runner();
    const { own, other } = await twoExecutors(6, 2);
    await engine.start('run', await engine.define([fits(1)], [], pinned));
    const [start] = await waitFor(() => own.starts.length === 1 && own.starts);
    if (start === undefined) throw new Error('no start');
    await own.returns(start);
    await waitFor(() => own.starts.length + other.starts.length === 2, { describe: 'the start again' });
    expect(other.starts).toMatchObject([{ execution: start.execution, attempt: start.attempt }]);
  });
});

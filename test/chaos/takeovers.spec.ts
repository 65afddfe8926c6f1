import { partitionOf } from '@ryax/contracts';
import { streamOf, type LoggedEvent } from './checks';
import { takeovers, type RunnerDeath } from './takeovers';

const partitions = 2;
/** A run on that partition. */
const runOn = (partition: number) => {
  const names = Array.from({ length: 100 }, (_, index) => streamOf(`r${index}`));
  return names.find((name) => partitionOf(name, partitions) === partition) ?? '';
};
const decided = (partition: number, recordedAt: number): LoggedEvent => ({
  ...{ position: recordedAt, stream: runOn(partition), version: 1, type: 'RunStarted', data: {} },
  recordedAt,
});
const death: RunnerDeath = { label: 'runner-1', at: 100_000, partitions: [1] };
const events = [decided(1, 99_000), decided(0, 100_500), decided(1, 102_300), decided(1, 103_000)];
const found = (deaths = [death], kind?: 'pause' | 'kill', to = 100_000) =>
  takeovers(deaths, kind === undefined ? [] : [{ kind, from: 90_000, to, outcome: 'made' }], events, partitions);

describe('how soon a dead runner is replaced', () => {
  it("is the time until the first decision on one of the dead one's partitions", () => {
    expect(found()).toEqual([2_300]);
  });

  it('is not told where another fault went on beside it, or there was no other runner', () => {
    expect(found([death], 'kill')).toEqual([2_300]);
    expect(found([death], 'pause')).toEqual([]);
    expect(takeovers([{ ...death, label: 'runner-2', at: 95_000 }, death], [], events, partitions)).toEqual([4_000]);
  });

  it('is not told where nothing was decided any more', () => {
    expect(takeovers([{ ...death, at: 200_000 }], [], events, partitions)).toEqual([]);
  });
});

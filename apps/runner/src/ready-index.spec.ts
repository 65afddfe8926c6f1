import { demandOf, plainDemand, slotlessDemand, type Demand } from '@ryax/workflow';
import { ReadyIndex } from './ready-index';

const work = (demand: Demand, count = 1) => ({ demand, count });
const large = demandOf({}, { cpu: 8 }, null);
const arm = demandOf({ constraints: { architecture: 'arm64' } }, {}, null);
const everywhere = () => true;

function next(index: ReadyIndex, { lane }: Demand, hasRoom: (demand: Demand) => boolean = everywhere) {
  const found = index.inTurn.find(({ lane: { key } }) => key === lane.key);
  return found === undefined ? undefined : index.nextRun(found, hasRoom);
}

describe('ReadyIndex', () => {
  it('gives runs with ready work their turn, one after the other', () => {
    const index = new ReadyIndex();
    for (const run of ['a', 'b', 'c']) index.set(run, [work(plainDemand, 2)]);
    expect([1, 2, 3, 4].map(() => next(index, plainDemand))).toEqual(['a', 'b', 'c', 'a']);
  });

  it('keeps the turn of a run whose ready work changes', () => {
    const index = new ReadyIndex();
    for (const run of ['a', 'b']) index.set(run, [work(plainDemand, 2)]);
    index.set('a', [work(plainDemand, 1), work(large, 1)]);
    expect(next(index, plainDemand)).toBe('a');
  });

  it('forgets a lane of a run that has nothing ready in it any more', () => {
    const index = new ReadyIndex();
    index.set('a', [work(plainDemand, 2), work(arm)]);
    index.set('a', [work(arm)]);
    expect(index.inTurn.map(({ lane }) => lane)).toEqual([arm.lane]);
    index.set('a', []);
    expect([index.inTurn, [...index.runs]]).toEqual([[], []]);
  });

  it('counts what is ready of each demand, over all runs', () => {
    const index = new ReadyIndex();
    index.set('a', [work(plainDemand, 2), work(large, 3), work(slotlessDemand, 100)]);
    index.set('b', [work(plainDemand, 5)]);
    index.set('a', [work(plainDemand, 1), work(large, 3), work(slotlessDemand, 100)]);
    const counts = index.demands.map(({ demand, count }): [string, number] => [demand.key, count]);
    expect(Object.fromEntries(counts)).toEqual({ [plainDemand.key]: 6, [large.key]: 3, [slotlessDemand.key]: 100 });
  });

  it('passes over runs all of whose work finds no room, which keep their turn', () => {
    const index = new ReadyIndex();
    index.set('stuck', [work(large)]);
    index.set('other', [work(plainDemand)]);
    const fits = ({ cpu }: Demand) => cpu === 0;
    expect([1, 2].map(() => next(index, plainDemand, fits))).toEqual(['other', 'other']);
    expect(next(index, plainDemand)).toBe('stuck');
    expect(next(index, plainDemand, () => false)).toBeUndefined();
  });

  it('has lanes take turns', () => {
    const index = new ReadyIndex();
    index.set('a', [work(plainDemand), work(arm)]);
    const [first] = index.inTurn;
    if (first !== undefined) index.served(first);
    expect(index.inTurn.map(({ lane }) => lane)).toEqual([arm.lane, plainDemand.lane]);
  });

  it('leaves out what rests until it is asked for again', () => {
    const index = new ReadyIndex();
    index.set('a', [work(plainDemand, 2)]);
    index.rest('a');
    index.set('a', [work(plainDemand, 2)]);
    expect(index.inTurn).toEqual([]);
    expect(index.takeResting()).toEqual(['a']);
    index.set('a', [work(plainDemand, 2)]);
    expect(next(index, plainDemand)).toBe('a');
  });
});

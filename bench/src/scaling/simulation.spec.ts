import { randomFrom, Simulation } from './simulation';
import { GroupCommit, Host, Station } from './station';

/** Mean wait in line of jobs that come at random to one server. */
function meanWaitS(load: number, serviceS: (random: () => number) => number, jobs = 100_000): number {
  const simulation = new Simulation();
  const station = new Station(simulation, 1);
  const random = randomFrom(7);
  let waited = 0;
  const come = (left: number) => {
    const at = simulation.now;
    const seconds = serviceS(random);
    station.serve(seconds, () => (waited += simulation.now - at - seconds));
    if (left > 1) simulation.after(-Math.log(1 - random()) / load, () => come(left - 1));
  };
  come(jobs);
  simulation.runUntil(1e9);
  return waited / jobs;
}

describe('the simulation', () => {
  it('lets things happen in order, and in that of their planning where they are due at once', () => {
    const simulation = new Simulation();
    const seen: string[] = [];
    for (const [at, name] of [
      [3, 'c'],
      [1, 'a'],
      [3, 'd'],
      [2, 'b'],
    ] as const) {
      simulation.after(at, () => seen.push(`${name}${simulation.now}`));
    }
    simulation.runUntil(10);
    expect(seen).toEqual(['a1', 'b2', 'c3', 'd3']);
    expect(simulation.now).toBe(10);
  });

  it('draws the same numbers each time', () => {
    const [one, other] = [randomFrom(3), randomFrom(3)];
    expect(Array.from({ length: 5 }, one)).toEqual(Array.from({ length: 5 }, other));
  });
});

describe('a station', () => {
  it.each([0.3, 0.7, 0.9])('makes wait as M/D/1 says at a load of %d', (load) => {
    expect(meanWaitS(load, () => 1) / (load / (2 * (1 - load)))).toBeCloseTo(1, 1);
  });

  it('makes wait as M/M/1 says', () => {
    const load = 0.6;
    const wait = meanWaitS(load, (random) => -Math.log(1 - random()));
    expect(wait / (load / (1 - load))).toBeCloseTo(1, 1);
  });

  it('is as busy as its work, over its servers', () => {
    const simulation = new Simulation();
    const station = new Station(simulation, 4);
    for (let job = 0; job < 10; job++) station.serve(2, () => undefined);
    simulation.runUntil(10);
    expect(station.meter.mean).toBeCloseTo(2, 10);
  });

  it('shares the cores of a machine in turns, so that the short do not wait for the long', () => {
    const simulation = new Simulation();
    const host = new Host(simulation, 1, 0.001);
    const ends: Record<string, number> = {};
    const long = new Station(simulation, 1, host);
    const short = new Station(simulation, 1, host);
    long.serve(0.1, () => (ends['long'] = simulation.now));
    short.serve(0.002, () => (ends['short'] = simulation.now));
    simulation.runUntil(1);
    expect(ends['short']).toBeCloseTo(0.004, 5);
    expect(ends['long']).toBeCloseTo(0.102, 5);
    expect(host.meter.mean).toBeCloseTo(0.102, 5);
  });
});

describe('a group commit', () => {
  it('flushes once for all that came during the flush before', () => {
    const simulation = new Simulation();
    const disk = new GroupCommit(simulation, { flushS: 1, bytesPerS: 100 });
    const ends: number[] = [];
    for (let commit = 0; commit < 10; commit++) disk.commit(10, () => ends.push(simulation.now));
    simulation.runUntil(10);
    const [alone, ...others] = ends;
    expect(alone).toBeCloseTo(1.1, 10);
    expect(others).toHaveLength(9);
    for (const end of others) expect(end).toBeCloseTo(1.1 + 1.9, 10);
  });
});

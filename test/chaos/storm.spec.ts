import { NotPossibleError } from './faults/ongoing';
import { shortfalls } from './report';
import type { Fault, FaultKind, Planned } from './schedule';
import { Storm, type StormParts } from './storm';

const planned = (fault: Fault, number = 1): Planned => ({ number, fault, pauseMs: 0 });
const purge: Fault = { kind: 'purge' };
const restart: Fault = { kind: 'database-restart' };
const duplicate: Fault = { kind: 'duplicate', holdMs: 0, order: 1 };
const diskFull: Fault = { kind: 'disk-full', target: 'executor-1', holdMs: 0 };

async function stormOf(faults: readonly Fault[], parts: Partial<StormParts>) {
  const silent = {
    inject: () => Promise.resolve(undefined),
    spare: () => undefined,
    say: () => undefined,
    patienceMs: 60_000,
  };
  const storm = new Storm({ ...silent, ...parts });
  await storm.run(
    faults.map((fault, index) => planned(fault, index + 1)),
    new AbortController().signal,
  );
  return {
    outcomes: storm.tried.map(({ kind, outcome }) => `${kind} ${outcome}`),
    shortfalls: shortfalls(storm.tried, faults.length),
  };
}

describe('a storm of faults', () => {
  it('counts as made what has begun, and has ended where it lasts', async () => {
    const inject = (fault: Fault) => Promise.resolve('holdMs' in fault ? () => Promise.resolve() : undefined);
    expect(await stormOf([purge, duplicate], { inject })).toEqual({
      outcomes: ['purge made', 'duplicate made'],
      shortfalls: [],
    });
  });

  it('makes one of another kind for one that is not possible here', async () => {
    const inject = (fault: Fault) => (fault === diskFull ? Promise.reject(new NotPossibleError('no disk')) : nothing());
    const spare = (without: ReadonlySet<FaultKind>) => planned(without.has('disk-full') ? restart : diskFull);
    expect(await stormOf([diskFull, purge], { inject, spare })).toEqual({
      outcomes: ['disk-full not possible', 'purge made', 'database-restart made'],
      shortfalls: [],
    });
  });

  it('tries once more where there is no other kind, and says that it was fewer than asked for', async () => {
    const inject = () => Promise.reject(new NotPossibleError('no disk'));
    expect((await stormOf([diskFull], { inject, spare: () => planned(diskFull) })).shortfalls).toEqual([
      'expected 1 faults to be made, found 0',
    ]);
  });

  it('does not count what could not be begun, and goes on', async () => {
    const inject = (fault: Fault) => (fault === purge ? Promise.reject(new Error('no broker')) : nothing());
    expect(await stormOf([purge, restart], { inject })).toEqual({
      outcomes: ['purge not begun', 'database-restart made'],
      shortfalls: ['expected 2 faults to be made, found 1'],
    });
  });

  it('does not count copies that could not be sent, and says so even where another fault was made instead', async () => {
    const inject = (fault: Fault) =>
      Promise.resolve(fault === duplicate ? () => Promise.reject(new Error('no broker')) : undefined);
    const spare = () => planned(restart);
    expect(await stormOf([duplicate], { inject, spare })).toEqual({
      outcomes: ['duplicate not ended', 'database-restart made'],
      shortfalls: ['a fault of kind duplicate could not be ended: no broker'],
    });
  });

  it('does not wait for ever for one that does not end, and says so', async () => {
    const inject = (fault: Fault) =>
      Promise.resolve(fault === duplicate ? () => new Promise<void>(() => undefined) : undefined);
    const outcome = stormOf([duplicate, purge], { inject, patienceMs: 1 });
    expect((await outcome).outcomes).toEqual(['purge made', 'duplicate not ended']);
  });
});

const nothing = () => Promise.resolve(undefined);

import { Random } from './random';
import { roster } from './roster';
import { describeFault, faultKinds, schedule, spare } from './schedule';

const scheduled = (seed: number, count: number) => schedule(new Random(seed), count);

describe('the schedule of a campaign', () => {
  it('is the same for the same seed', () => {
    expect(scheduled(7, 200)).toEqual(scheduled(7, 200));
  });

  it('is another for another seed', () => {
    expect(scheduled(7, 50)).not.toEqual(scheduled(8, 50));
  });

  it('has as many faults as asked for, numbered from 1', () => {
    expect(scheduled(1, 33).map(({ number }) => number)).toEqual(Array.from({ length: 33 }, (_, index) => index + 1));
  });

  it('has seen each kind before it sees one again', () => {
    const kinds = scheduled(3, faultKinds.length).map(({ fault }) => fault.kind);
    expect([...kinds].sort()).toEqual([...faultKinds].sort());
  });

  it('restarts the broker at most twice in a short campaign, since each costs ten seconds', () => {
    for (let seed = 0; seed < 100; seed++) {
      const restarts = scheduled(seed, faultKinds.length + 1).filter(({ fault }) => fault.kind === 'broker-restart');
      expect(restarts.length).toBeLessThanOrEqual(2);
    }
  });

  it('reaches every process, both lines, both manners and both directions of the clock', () => {
    const texts = scheduled(1, 1000).map(({ fault }) => describeFault(fault));
    const wanted = [
      ...roster.flatMap(({ label }) => [`kill -9 ${label}`, `SIGSTOP ${label}`, `network of ${label} to its broker`]),
      ...roster
        .filter(({ hasDatabase }) => hasDatabase)
        .map(({ label }) => `network of ${label} to its database silent`),
      ...[
        'way to executor-1',
        'way to executor-2',
        'disk of executor-1',
        'disk of executor-2',
        'SIGTERM',
        'SIGKILL',
        '+1 h',
        '-1 h',
        'closed',
      ],
    ];
    expect(wanted.filter((part) => !texts.some((text) => text.includes(part)))).toEqual([]);
  });

  it('can be restricted to some kinds', () => {
    const kinds = schedule(new Random(1), 20, ['kill', 'purge']).map(({ fault }) => fault.kind);
    expect(new Set(kinds)).toEqual(new Set(['kill', 'purge']));
  });

  it('has a spare of another kind than those that are not possible, if there is one', () => {
    const random = new Random(1);
    const kinds = Array.from({ length: 20 }, () => spare(random, new Set(['kill']), ['kill', 'purge'])?.fault.kind);
    expect(new Set(kinds)).toEqual(new Set(['purge']));
    expect(spare(random, new Set(['kill']), ['kill'])?.fault.kind).toBe('kill');
  });
});

describe('random numbers', () => {
  it('lie between their bounds and reach both', () => {
    const random = new Random(5);
    const drawn = new Set(Array.from({ length: 1_000 }, () => random.between(3, 6)));
    expect([...drawn].sort()).toEqual([3, 4, 5, 6]);
  });

  it('shuffle without losing or repeating anything', () => {
    const items = Array.from({ length: 100 }, (_, index) => index);
    const shuffled = new Random(9).shuffled(items);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((one, other) => one - other)).toEqual(items);
  });
});

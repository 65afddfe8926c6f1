import { renderReport } from './report';

const calm = { tried: [], accepted: 12, violations: [], waits: [], looks: 0, takeovers: [], ownEnds: 0 };
const lineOf = (text: string, name: string) =>
  text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .find(([, first]) => first === name)
    ?.slice(2, -1);

describe('the report of a campaign', () => {
  it('counts violations by their category', () => {
    const violation = { subject: 'r1', what: 'is gone' };
    const violations = [
      { ...violation, category: 'lost' as const },
      { ...violation, category: 'wrong' as const },
      { ...violation, category: 'wrong' as const },
    ];
    const text = renderReport({ ...calm, violations });
    expect(lineOf(text, 'lost')).toEqual(['1', '']);
    expect(lineOf(text, 'wrong')).toEqual(['2', '']);
    expect(lineOf(text, 'stuck')).toEqual(['0', '']);
  });

  it('says of each kind how long callers waited because of it', () => {
    const tried = [{ kind: 'broker-restart', from: 10_000, to: 20_000, outcome: 'made' }] as const;
    const waits = [
      { askedAt: 5_000, tookMs: 3_000 },
      { askedAt: 12_000, tookMs: 9_500 },
      { askedAt: 30_000, tookMs: 20_000 },
    ];
    const text = renderReport({ ...calm, tried, waits });
    expect(lineOf(text, 'broker-restart')).toEqual(['1', '9.5 s']);
    expect(lineOf(text, 'faults in all')).toEqual(['1', '9.5 s']);
  });

  it('says how long nobody decided in the place of a killed runner, at most', () => {
    const text = renderReport({ ...calm, takeovers: [1_200, 2_345] });
    expect(lineOf(text, 'runners killed, nothing beside')).toEqual(['2', '2.3 s']);
  });

  it('says what could not be tried, and does not count it', () => {
    const refused = { from: 0, to: 0, outcome: 'not possible', reason: 'only root can mount' } as const;
    const tried = [{ kind: 'disk-full', ...refused }] as const;
    const text = renderReport({ ...calm, tried });
    expect(lineOf(text, 'disk-full')).toEqual(['0', 'not possible: only root can mount']);
    expect(lineOf(text, 'faults in all')?.[0]).toBe('0');
  });
});

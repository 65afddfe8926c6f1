import { Remembered } from './remembered';

describe('remembered names', () => {
  it('are known for as long as they are promised to be, and not for more than twice as long', () => {
    const names = new Remembered(100, 1_000);
    names.add('a', 5_900);
    expect(names.has('a', 6_900)).toBe(true);
    expect(names.has('a', 7_900)).toBe(false);
  });

  it('are not known after a long silence', () => {
    const names = new Remembered(100, 1_000);
    names.add('a', 0);
    expect(names.has('a', 60_000)).toBe(false);
  });

  it('can be forgotten before', () => {
    const names = new Remembered(100, 1_000);
    names.add('a', 0);
    names.forget('a');
    expect(names.has('a', 0)).toBe(false);
  });

  it('are the newest ones when there are too many', () => {
    const names = new Remembered(100, 1_000);
    for (let n = 0; n < 1_000; n++) names.add(`n${n}`, 0);
    const known = Array.from({ length: 1_000 }, (_, n) => n).filter((n) => names.has(`n${n}`, 0));
    expect(known.length).toBeGreaterThanOrEqual(50);
    expect(known.length).toBeLessThanOrEqual(100);
    expect(known.at(-1)).toBe(999);
  });
});

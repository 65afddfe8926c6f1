import { waitReason } from '../commands/show';
import { aRun, anAction } from '../testing/answers';
import { clip } from '../watch/live-screen';
import { PlainProgress } from '../watch/plain-progress';
import { formatDuration, formatSize } from './format';
import { progressLines } from './progress';
import { coloured, plain } from './style';
import { table, widthOf } from './table';
import { timelineLines } from './timeline';

const at = (second: number) => `2026-01-01T00:00:0${second}.000Z`;
const fit = anAction({
  id: 'fit',
  state: 'running',
  for_each: { count: 4, opened: 4 },
  counts: { succeeded: 1, failed: 1, running: 2 },
  started_at: at(1),
});

describe('durations and sizes', () => {
  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [59_949, '59.9 s'],
    [59_950, '1 min 00 s'],
    [3_599_499, '59 min 59 s'],
    [3_660_000, '1 h 01 min'],
  ])('%d ms is %s', (ms, expected) => expect(formatDuration(ms)).toBe(expected));

  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1.0 GiB'],
  ])('%d bytes are %s', (bytes, expected) => expect(formatSize(bytes)).toBe(expected));
});

describe('a run in progress', () => {
  it('has a head and a line for each action, with a bar for each for_each', () => {
    const split = anAction({ state: 'succeeded', started_at: at(0), ended_at: at(1) });
    const run = aRun({ actions: [split, fit] });
    expect(progressLines(run, { paint: plain, nowMs: Date.parse(at(3)), rows: 24 })).toEqual([
      '▸ quakes running 3.0 s',
      '  ✓ split  1.0 s',
      '  ▸ fit    ██████ ██████ ░░░░░░░░░░░░ 2/4 1 failed  2.0 s'.replaceAll('█ █', '██').replace('█ ░', '█░'),
    ]);
  });

  it('never takes more lines than there are', () => {
    const actions = Array.from({ length: 50 }, (_, index) => anAction({ id: `a${index}` }));
    const lines = progressLines(aRun({ actions, actions_total: 50 }), { paint: plain, nowMs: 0, rows: 10 });
    expect(lines.length).toBeLessThan(10);
    expect(lines.at(-1)).toBe('  … and 43 more actions');
  });

  it('is told line by line where there is no terminal, each thing once', () => {
    const progress = new PlainProgress();
    const run = aRun({ actions: [fit] });
    expect(progress.news(run)).toEqual(['    1.0 s  fit: running, 2 of 4 done']);
    expect(progress.news(run)).toEqual([]);
  });
});

describe('the timeline', () => {
  it('draws each action on the axis of the run', () => {
    const first = anAction({ state: 'succeeded', started_at: at(0), ended_at: at(2) });
    const second = anAction({ id: 'fit', state: 'succeeded', started_at: at(2), ended_at: at(4) });
    const never = anAction({ id: 'alarm', state: 'skipped' });
    const lines = timelineLines(aRun({ actions: [first, second, never], ended_at: at(4) }), plain, Date.parse(at(60)));
    expect(lines).toEqual([
      `✓ split  ${'█'.repeat(20)}${' '.repeat(20)}  2.0 s`,
      `✓ fit    ${' '.repeat(20)}${'█'.repeat(20)}  2.0 s`,
      `– alarm  ${' '.repeat(40)}  skipped`,
    ]);
  });

  it('goes on for an action that runs, although nothing more was heard of it', () => {
    const first = anAction({ state: 'succeeded', started_at: at(0), ended_at: at(2) });
    const second = anAction({ id: 'fit', state: 'running', started_at: at(2), ended_at: null });
    const run = aRun({ actions: [first, second], updated_at: at(2) });
    expect(timelineLines(run, plain, Date.parse(at(8)))).toEqual([
      `✓ split  ${'█'.repeat(10)}${' '.repeat(30)}  2.0 s`,
      `▸ fit    ${' '.repeat(10)}${'█'.repeat(30)}  running, 6.0 s`,
    ]);
  });
});

describe('what waits', () => {
  const execution = {
    execution: 'fit.3',
    action: 'fit',
    kind: 'execution',
    attempts: 1,
    ready_at: at(1),
    scheduled_at: null,
    started_at: null,
    ended_at: null,
    retry_at: null,
    failure: null,
  };

  it.each([
    [{ state: 'ready' }, 'for a free place in its pool, since 2026-01-01 00:00:01'],
    [
      { state: 'ready', waiting_for: 'is ready and waits for a free slot of pool gpu' },
      'is ready and waits for a free slot of pool gpu, since 2026-01-01 00:00:01',
    ],
    [{ state: 'retrying', retry_at: at(5) }, 'for attempt 2 at 2026-01-01 00:00:05'],
    [{ state: 'running' }, undefined],
  ])('%j says why', (given, expected) => expect(waitReason({ ...execution, ...given })).toBe(expected));
});

describe('columns', () => {
  it('are aligned whatever colours are in them', () => {
    const rows = [
      ['a', coloured('green', 'ok'), 'x'],
      ['bbb', 'no', 'y'],
    ];
    expect(table(['A', 'B', 'C'], rows, plain).map(widthOf)).toEqual([10, 10, 10]);
  });

  it('are cut off where the terminal ends, colours not counted and still ended', () => {
    expect(clip(coloured('red', 'abcdef'), 3)).toBe(coloured('red', 'abc'));
  });
});

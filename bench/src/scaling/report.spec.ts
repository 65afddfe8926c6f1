import * as workflow from '@ryax/workflow';
import { layers } from '../definitions';
import { partsTable, rowsOf, short, summaryTable } from './report';
import { scales } from './scenario';
import { shapeOf, simulateSingleRun } from './single-run';
import { costsWith } from './unit-costs';
import { compareWithMeasured } from './validation';
import { judge } from './verdict';

/** Nothing here waits: it computes, which takes as long as the machine is busy with other things. */
jest.setTimeout(120_000);

const costs = costsWith();

describe('what the simulation says', () => {
  it('is a table of loads, one of parts, and rows without anything endless', () => {
    const verdicts = scales.slice(0, 1).map((scenario) => judge(scenario, costs));
    expect(summaryTable(verdicts)).toContain('| 1x, one machine  | 1 k');
    expect(partsTable(verdicts)).toMatch(/\| runner turns +\| \d+ %/);
    const rows = rowsOf(verdicts, []);
    expect(rows).toContainEqual(expect.objectContaining({ metric: 'asked_steps_per_s', value: 1_000 }));
    expect(rows.every(({ value, system }) => Number.isFinite(value) && system === 'simulated')).toBe(true);
  });

  it.each([
    [12, '12'],
    [1_234, '1.23 k'],
    [1e6, '1 M'],
    [Infinity, '–'],
  ])('shows %d as %s', (value, text) => {
    expect(short(value)).toBe(text);
  });

  it('gives the measured machine again, within a quarter', () => {
    for (const { figure, measured, simulated } of compareWithMeasured(costs)) {
      expect([figure, simulated / measured > 0.75 && simulated / measured < 1.25]).toEqual([figure, true]);
    }
  });
});

describe('the shape of a run', () => {
  it('is what the workflow simulator makes of it', () => {
    const shape = shapeOf('layers', layers('spec', 200, 20), workflow);
    expect(shape).toEqual({ name: 'layers', executions: 200, events: 402, depth: 10, width: 20 });
  });

  it('bounds how fast it goes alone: a narrow one waits for its turns', () => {
    const [, , apart] = scales;
    if (apart === undefined) throw new Error('Expected a deployment with cores of its own, found none');
    const [narrow, wide] = [1, 200].map((width) => {
      const shape = { name: 'spec', executions: 1_000, events: 2_002, depth: 1_000 / width, width };
      return simulateSingleRun(shape, apart.deployment, costs).capacity;
    });
    expect(narrow?.itemsPerTurn).toBeCloseTo(1, 5);
    expect((wide?.reachedStepsPerS ?? 0) / (narrow?.reachedStepsPerS ?? 1)).toBeGreaterThan(5);
  });
});

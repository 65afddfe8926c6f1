import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from './random';
import { definitionOf } from './shape';
import { shapes } from './shapes';

const handler = readFileSync(join(__dirname, 'actions', 'work', 'ryax_handler.js'), 'utf8');

describe('the shapes of runs', () => {
  it.each(shapes.map((shape) => [shape.id, shape] as const))('%s names only entries that it has', (_id, shape) => {
    const text = JSON.stringify(definitionOf(shape, '/journal'));
    const { mustSucceed, mustNotBegin = [], elements = {} } = shape.expected(shape.inputs(new Random(1)));
    const expected = [...mustSucceed.map((execution) => execution.replace(/\..*/, '')), ...mustNotBegin];
    const named = [...shape.journaled, ...shape.edges.flatMap(({ from, to }) => [from, to]), ...expected];
    named.push(...Object.keys(elements));
    expect(named.filter((entry) => !text.includes(`"id":"${entry}"`))).toEqual([]);
  });

  it.each(shapes.map((shape) => [shape.id, shape] as const))('%s writes the journal where it says so', (_id, shape) => {
    const text = JSON.stringify(definitionOf(shape, '/journal'));
    const writing = [...text.matchAll(/"id":"(\w+)","action":"chaos-work@1\.0"/g)].map(([, id]) => id);
    expect([...shape.journaled].sort()).toEqual(writing.sort());
  });

  it('are of all kinds: success, failure, cancellation', () => {
    const states = shapes.map((shape) => shape.expected(shape.inputs(new Random(1))).state);
    expect(new Set(states)).toEqual(new Set(['succeeded', 'failed', 'cancelled']));
  });

  it('have actions that leave their trace before they do anything else', () => {
    const body = handler.slice(handler.indexOf('module.exports'));
    expect(body.indexOf('appendFileSync')).toBeLessThan(body.indexOf('await'));
    expect(body.indexOf('appendFileSync')).toBeLessThan(body.indexOf('throw'));
  });
});

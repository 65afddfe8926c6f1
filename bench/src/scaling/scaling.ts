import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import type { Scripts } from '../scripts';
import { comparedTable, costsTable, partsTable, rowsOf, singleRunTable, summaryTable } from './report';
import { apart, podScales, scales, withNumbers, type Scenario } from './scenario';
import { knownShapes, simulateSingleRun, type SingleRun, type WorkflowLibrary } from './single-run';
import { costsWith, type Costs } from './unit-costs';
import { compareWithMeasured } from './validation';
import { judge } from './verdict';

/**
 * `npm run bench -- --scaling`: what gives way first as the load grows, and what carries it, by simulation. Starts no engine.
 * With `--scenario` or `--set` only that one.
 */
export function scaling(args: readonly string[], scripts: Pick<Scripts, 'inRoot'>): number {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scaling: { type: 'boolean' },
      json: { type: 'string' },
      costs: { type: 'string' },
      scenario: { type: 'string' },
      set: { type: 'string', multiple: true },
    },
  });
  const costs = costsWith(values.costs === undefined ? {} : readNumbers(values.costs));
  const asked = askedScenario(values.scenario, values.set);
  console.log('Simulated, not measured.');
  const groups = asked === undefined ? [scales, podScales] : [[asked]];
  const verdicts = groups.map((group) => group.map((scenario) => judge(scenario, costs)));
  for (const group of verdicts) console.log(`\n${summaryTable(group)}\n\n${partsTable(group)}`);
  const runs = asked === undefined ? singleRuns(scripts, costs) : [];
  if (asked === undefined) {
    console.log(`\n${singleRunTable(runs)}\n\n${comparedTable(compareWithMeasured(costs))}\n\n${costsTable(costs)}`);
  }
  if (values.json !== undefined) {
    writeFileSync(values.json, `${JSON.stringify(rowsOf(verdicts.flat(), runs), undefined, 2)}\n`);
  }
  return 0;
}

function singleRuns(scripts: Pick<Scripts, 'inRoot'>, costs: Costs): SingleRun[] {
  return knownShapes(workflowLibrary(scripts)).map((shape) => simulateSingleRun(shape, apart, costs));
}

/** One's own scenario: `1x` with the numbers of a file, and then those of the command line, in place of its own. */
function askedScenario(file: string | undefined, set: readonly string[] | undefined): Scenario | undefined {
  const [first] = scales;
  if (first === undefined || (file === undefined && set === undefined)) return undefined;
  const numbers = {
    ...(file === undefined ? {} : readNumbers(file)),
    ...Object.fromEntries((set ?? []).flatMap(pairs)),
  };
  return withNumbers({ ...first, name: 'asked' }, numbers);
}

/** `runners=4,partitions=32` */
function pairs(text: string): [string, number][] {
  return text.split(',').map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return [name, value === '' ? Number.NaN : Number(value)];
  });
}

function readNumbers(file: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`Expected {name: number} in ${file}`);
  return { ...parsed };
}

/** Built, since its own imports are by the names of our libs. */
function workflowLibrary({ inRoot }: Pick<Scripts, 'inRoot'>): WorkflowLibrary {
  const requireBuilt = createRequire(inRoot('package.json'));
  return requireBuilt(inRoot('dist', 'libs', 'workflow', 'src', 'index.js')) as WorkflowLibrary;
}

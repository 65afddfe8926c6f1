import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAsked, type Asked } from './asked';
import { curvePlan } from './curves';
import { EngineUnderTest } from './engine';
import { describeMachine } from './machine';
import { fullPlan, onlyCodes, type EnginePlan, type Planned } from './plan';
import { overRepeats, type Mode, type Row } from './rows';
import { scaling } from './scaling/scaling';
import type { Scripts } from './scripts';
import { renderTable } from './table';
import { readTraces, type Trace } from './traces';

interface Measured {
  readonly rows: Row[];
  readonly failures: string[];
}

/** Measures what is asked for, prints one table, and answers the exit status. */
export async function bench(args: readonly string[], scripts: Scripts): Promise<number> {
  if (args.includes('--scaling')) return scaling(args, scripts);
  const began = performance.now();
  const asked = parseAsked(args);
  console.log(describeMachine().text);
  const traces = tracesOf(asked, scripts);
  const measured: Measured = { rows: [], failures: [] };
  for (let repeat = 1; repeat <= asked.repeats; repeat++) {
    for (const mode of asked.modes) {
      for (const plan of plansOf(asked, mode, traces)) await measurePlan(scripts, mode, plan, measured);
    }
  }
  const figures = overRepeats(measured.rows);
  console.log(`\n${renderTable(figures)}\n\n${seconds(began)} s in all`);
  for (const failure of measured.failures) console.error(failure);
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  return measured.failures.length === 0 ? 0 : 1;
}

function plansOf({ size, only, curves }: Asked, mode: Mode, traces: readonly Trace[]): EnginePlan[] {
  if (curves) return curvePlan(mode, size);
  const plans = fullPlan({ size, traces });
  return only === undefined ? plans : onlyCodes(plans, only);
}

/** Recorded workflows are not ours to ship: where they lie is a setting. */
function tracesOf(asked: Asked, scripts: Scripts): Trace[] {
  if (asked.curves || asked.only?.has('W8') === false) return [];
  const folder = resolve(asked.traces ?? scripts.inRoot('..', 'shared', 'data', 'wfinstances'));
  const traces = readTraces(folder);
  if (traces.length === 0) console.log(`W8 skipped: no folder with WfFormat files was given (looked in ${folder})`);
  return traces;
}

/** A failure spoils its engine, so what was planned on it is not measured; what needs another engine is. */
async function measurePlan(scripts: Scripts, mode: Mode, plan: EnginePlan, measured: Measured): Promise<void> {
  let engine: EngineUnderTest | undefined;
  let doing = 'start';
  try {
    const began = performance.now();
    engine = await EngineUnderTest.start(scripts, mode, plan.options);
    for (const action of ['noop', 'nap']) await engine.publish(scripts.inRoot('bench', 'actions', action));
    console.log(`${mode.padEnd(12)} engine ready ${JSON.stringify(plan.options)} (${seconds(began)} s)`);
    for (const planned of plan.workloads) {
      doing = planned.workload;
      measured.rows.push(...(await measure(engine, planned)));
    }
  } catch (error) {
    const what = error instanceof Error ? error.stack : String(error);
    measured.failures.push(`${mode} ${doing}: ${what}\n${engine?.lastWords ?? ''}`);
    console.log(`${mode.padEnd(12)} ${doing} failed`);
  } finally {
    await engine?.stop().catch((error: unknown) => measured.failures.push(`${mode} stop: ${String(error)}`));
  }
}

async function measure(engine: EngineUnderTest, planned: Planned): Promise<Row[]> {
  const { mode } = engine;
  const { workload, system } = planned;
  const began = performance.now();
  const figures = await planned.run(engine);
  const rows = figures.map((figure) => ({ workload, mode, system, ...figure, runs: 1 }));
  const shown = rows
    .filter(({ metric }) => !metric.includes('.'))
    .map((row) => `${row.workload === workload ? '' : `${row.workload}: `}${row.metric} ${row.value.toFixed(2)}`);
  console.log(
    `${mode.padEnd(12)} ${workload.padEnd(8)} ${system.padEnd(22)} ${shown.join('  ')} (${seconds(began)} s)`,
  );
  return rows;
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}

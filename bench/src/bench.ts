import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAsked, type Asked } from './asked';
import { curvePlan } from './curves';
import type { Step } from './definitions';
import { EngineUnderTest } from './engine';
import { describeMachine } from './machine';
import { fullPlan, isOurs, onlyCodes, ourName, type EnginePlan, type Planned } from './plan';
import type { Peers } from './peers';
import { PeersInTurn } from './peers-in-turn';
import { progress, seconds } from './progress';
import { ratiosOf } from './ratios';
import { overRepeats, type Mode, type Row } from './rows';
import { Running } from './running';
import { scaling } from './scaling/scaling';
import type { Scripts } from './scripts';
import { renderSummary } from './summary';
import { renderTable } from './table';
import { readTraces, type Trace } from './traces';
import { warmUp } from './workloads/throughput';

/** What the measurements of one benchmark share. */
interface Bench {
  readonly asked: Asked;
  readonly scripts: Scripts;
  readonly running: Running;
  readonly failures: string[];
}

/** Measures what is asked for, prints one table, and answers the exit status. */
export async function bench(args: readonly string[], scripts: Scripts, peers: Peers): Promise<number> {
  if (args.includes('--scaling')) {
    await scripts.buildIfStale();
    return scaling(args, scripts);
  }
  const began = performance.now();
  const asked = parseAsked(args, peers);
  if (asked.table !== undefined) {
    console.log(renderSummary(JSON.parse(readFileSync(asked.table, 'utf8')) as Row[], ourName));
    return 0;
  }
  await scripts.buildIfStale();
  console.log(describeMachine().text);
  const traces = tracesOf(asked, scripts);
  const failures: string[] = [];
  const running = new Running();
  const leaveSignals = running.stopOnSignals();
  const beside = new PeersInTurn(peers, asked, scripts);
  void running.hold(Promise.resolve(beside));
  const repeats: Row[][] = [];
  try {
    await beside.open();
    for (let repeat = 1; repeat <= asked.repeats && !running.isStopping; repeat++) {
      const rows: Row[] = [];
      for (const mode of asked.modes) {
        for (const plan of plansOf(asked, mode, traces)) {
          rows.push(...(await measurePlan({ asked, scripts, running, failures }, mode, plan)));
        }
      }
      rows.push(...(await beside.measure(failures)));
      repeats.push(rows);
    }
  } finally {
    await beside.stop();
    await running.stopped;
    leaveSignals();
  }
  if (running.isStopping) return 1;
  const rows = [...overRepeats(repeats.flat()), ...ratiosOf(repeats, isOurs)];
  console.log(`\n${renderTable(rows)}\n`);
  for (const skipped of beside.skipped) console.log(skipped);
  console.log(`${seconds(began)} s in all`);
  for (const failure of failures) console.error(failure);
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(rows, undefined, 2)}\n`);
  return failures.length === 0 ? 0 : 1;
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
async function measurePlan(
  { asked, scripts, running, failures }: Bench,
  mode: Mode,
  plan: EnginePlan,
): Promise<readonly Row[]> {
  const rows: Row[] = [];
  if (running.isStopping) return rows;
  let engine: EngineUnderTest | undefined;
  let doing = 'start';
  try {
    const began = performance.now();
    engine = await running.hold(EngineUnderTest.start(scripts, mode, plan.options));
    for (const action of ['noop', 'nap']) await engine.publish(scripts.inRoot('bench', 'actions', action));
    console.log(`${mode.padEnd(12)} ${engine.servers}`);
    console.log(`${mode.padEnd(12)} engine ready ${JSON.stringify(plan.options)} (${seconds(began)} s)`);
    const warm = new Set<Step>();
    for (const planned of plan.workloads) {
      doing = `warm-up of ${planned.workload}`;
      if (!warm.has(planned.step)) await warmUp(engine, planned.step, asked.size);
      warm.add(planned.step);
      doing = planned.workload;
      rows.push(...(await measure(engine, planned)));
    }
  } catch (error) {
    const what = error instanceof Error ? error.stack : String(error);
    failures.push(`${mode} ${doing}: ${what}\n${engine?.lastWords ?? ''}`);
    if (!running.isStopping) console.log(`${mode.padEnd(12)} ${doing} failed: ${String(error)}`);
  } finally {
    await engine?.stop().catch((error: unknown) => failures.push(`${mode} stop: ${String(error)}`));
  }
  return rows;
}

async function measure(engine: EngineUnderTest, planned: Planned): Promise<Row[]> {
  const { mode } = engine;
  const { workload, system } = planned;
  const began = performance.now();
  const figures = await planned.run(engine);
  const rows = figures.map((figure) => ({ workload, mode, system, ...figure, runs: 1 }));
  console.log(`${progress(mode, workload, system, rows)} (${seconds(began)} s)`);
  return rows;
}

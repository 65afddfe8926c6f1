import { availableParallelism } from 'node:os';
import type { Step } from './definitions';
import type { EngineOptions, EngineUnderTest } from './engine';
import type { Figure } from './rows';
import type { Trace } from './traces';
import type { Size } from './workload';
import { chainWorkload } from './workloads/chain';
import { fanWorkload } from './workloads/fan';
import { openRuns, openRunsWorkload } from './workloads/open-runs';
import { readingWorkload } from './workloads/reading';
import { recoveryWorkload } from './workloads/recovery';
import { sizeWorkload } from './workloads/size';
import { startWorkload } from './workloads/start';
import { throughputWorkload } from './workloads/throughput';
import { tracesWorkload } from './workloads/traces';

/** One workload in one form, on an engine that is fresh or has done the ones before it. */
export interface Planned {
  /** `W1` to `W9`, or `curve`: what `--only` names. */
  readonly code: string;
  readonly workload: string;
  readonly system: string;
  /** What its steps are: a fresh engine is warmed up with these before. */
  readonly step: Step;
  readonly run: (engine: EngineUnderTest) => Promise<readonly Figure[]>;
}

/** What is measured one after the other on one engine, which is started for it and thrown away after it. */
export interface EnginePlan {
  readonly options: EngineOptions;
  readonly workloads: readonly Planned[];
}

/** What the plan depends on. */
export interface PlanInputs {
  readonly size: Size;
  readonly traces: readonly Trace[];
}

export const ourName = 'ryax';
const systems: Readonly<Record<Step, string>> = { noop: ourName, handler: `${ourName} (nodejs handler)` };
/** Whether rows of this name are ours, in whichever form, and not a peer's. */
export const isOurs = (system: string): boolean => Object.values(systems).includes(system);

const loads = { full: [1_000, 5_000], quick: [1_000, 5_000], smoke: [20] } as const;

/** Through the handler, in a hurry: enough to tell what it costs more than the engine's own action. */
const handlerLoadsInAHurry = [500];
/** Through the bulk route. */
const batchLoads = { ...loads, quick: [1_000] } as const;

/** As many as a call of the bulk route takes; tiny ones are to be several calls, too. */
const runsPerCall = { full: 1_000, quick: 1_000, smoke: 8 } as const;

/** Executions at once under which recorded workflows are run. */
const fewSlots = 8;
const traceSlots = [fewSlots, 64];
/** In a hurry only the smallest. */
const mostTraces = { full: Infinity, quick: 1, smoke: 1 } as const;

/** All workloads, in groups by the engine that they need. */
export function fullPlan({ size, traces }: PlanInputs): EnginePlan[] {
  const paired = [...pairedPlan(size, 'noop'), ...pairedPlan(size, 'handler')];
  const shared = [
    ...paired,
    ours('W6', (engine) => sizeWorkload(engine, size)),
    ours('W9', (engine) => readingWorkload(engine, size)),
  ];
  const open = [
    // Before the kill: it measures what the engine has become with these runs.
    ours(`W5 ${openRuns[size]}`, (engine) => openRunsWorkload(engine, size)),
    ours('W7', (engine) => recoveryWorkload(engine, size)),
  ];
  const traced = (slots: number) =>
    ours(`W8 k=${slots}`, (engine) => tracesWorkload(engine, size, slots, traces.slice(0, mostTraces[size])));
  // One engine for everything is soon started.
  const tracedToo = traces.length === 0 ? [] : [traced(fewSlots)];
  if (size === 'smoke') return [{ options: { slots: fewSlots }, workloads: [...shared, ...tracedToo, ...open] }];
  if (size === 'quick') return quickPlan(shared, traces.length === 0 ? [] : [traced(fewSlots)], open);
  // One engine fewer to start where the first has as many slots by itself.
  const ownSlots = traceSlots.filter((slots) => traces.length > 0 && slots !== slotsByDefault());
  const tracedFirst = traces.length > 0 && ownSlots.length < traceSlots.length ? [traced(slotsByDefault())] : [];
  return [
    { options: {}, workloads: [...shared, ...tracedFirst] },
    // Memory is measured on an engine that has done nothing but warm up before.
    { options: {}, workloads: open },
    ...ownSlots.map((slots) => ({ options: { slots }, workloads: [traced(slots)] })),
  ];
}

/** One engine for all, where recorded workflows find the slots that they want, or else one more for them. */
function quickPlan(shared: Planned[], traced: Planned[], open: Planned[]): EnginePlan[] {
  if (slotsByDefault() === fewSlots) return [{ options: {}, workloads: [...shared, ...traced, ...open] }];
  const rest = traced.length === 0 ? [] : [{ options: { slots: fewSlots }, workloads: traced }];
  return [{ options: {}, workloads: [...shared, ...open] }, ...rest];
}

/** As the executor has it: four for each core, at least eight. The warm-up of W8 fails where that is no longer so. */
function slotsByDefault(): number {
  return Math.max(8, 4 * availableParallelism());
}

/** Only those of these codes; an engine that is left with nothing to do is not started. */
export function onlyCodes(plans: readonly EnginePlan[], codes: ReadonlySet<string>): EnginePlan[] {
  return plans
    .map(({ options, workloads }) => ({ options, workloads: workloads.filter(({ code }) => codes.has(code)) }))
    .filter(({ workloads }) => workloads.length > 0);
}

/** What is measured of peers, too. */
export function pairedPlan(size: Size, step: Step): Planned[] {
  const system = systems[step];
  return [
    { code: 'W1', workload: 'W1', system, step, run: (engine) => chainWorkload(engine, step, size) },
    ...(size === 'quick' && step === 'handler' ? handlerLoadsInAHurry : loads[size]).map((runs) => ({
      code: 'W2',
      workload: `W2 ${runs}`,
      system,
      step,
      run: (engine: EngineUnderTest) => throughputWorkload(engine, step, { runs }),
    })),
    ...(step === 'noop' ? batchPlan(size) : []),
    ...(size === 'quick' && step === 'handler'
      ? []
      : [
          {
            code: 'W3',
            workload: 'W3',
            system,
            step,
            run: (engine: EngineUnderTest) => fanWorkload(engine, step, size),
          },
        ]),
    { code: 'W4', workload: 'W4', system, step, run: (engine) => startWorkload(engine, step, size) },
  ];
}

/** The same runs through the bulk route, which only our engine has. */
function batchPlan(size: Size): Planned[] {
  const batch = runsPerCall[size];
  return batchLoads[size].map((runs) =>
    ours(`W2 ${runs} batch`, (engine) => throughputWorkload(engine, 'noop', { runs, batch })),
  );
}

function ours(workload: string, run: Planned['run']): Planned {
  return { code: workload.slice(0, 2), workload, system: ourName, step: 'noop', run };
}

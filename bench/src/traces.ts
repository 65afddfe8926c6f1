import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { definition, type Graph } from './definitions';

/** A recorded execution of a real workflow: each task's time, and whose end it waited for. */
export interface Trace {
  readonly name: string;
  readonly tasks: readonly Task[];
}

export interface Task {
  readonly id: string;
  readonly parents: readonly string[];
  readonly seconds: number;
}

/** What we read of WfFormat 1.5 (wfcommons.org). */
interface WfFormat {
  readonly workflow: {
    readonly specification: { readonly tasks: readonly { readonly id: string; readonly parents: readonly string[] }[] };
    readonly execution: { readonly tasks: readonly { readonly id: string; readonly runtimeInSeconds: number }[] };
  };
}

/** By file: a lower and an upper bound of the makespan in seconds, by slots. */
type Expected = Readonly<
  Record<string, { readonly makespanBoundsBySlots: Readonly<Record<string, readonly [number, number]>> }>
>;

const expectedFile = 'expected.json';
/** Published bounds are rounded to milliseconds. */
const roundingSeconds = 0.002;

/** The traces of a folder, those with the fewest tasks first; none where there is no such folder. */
export function readTraces(folder: string): Trace[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== expectedFile);
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), 'utf8'));
  const expected = existsSync(join(folder, expectedFile)) ? (read(expectedFile) as Expected) : {};
  const traces = files.map((file) => {
    const trace = parseTrace(file.replace(/\.json$/, '').toLowerCase(), read(file) as WfFormat);
    checkBounds(trace, expected[file]?.makespanBoundsBySlots ?? {});
    return trace;
  });
  return traces.sort((left, right) => left.tasks.length - right.tasks.length);
}

export function parseTrace(name: string, { workflow }: WfFormat): Trace {
  const seconds = new Map(workflow.execution.tasks.map((task) => [task.id, task.runtimeInSeconds]));
  const tasks = workflow.specification.tasks.map(({ id, parents }) => {
    const took = seconds.get(id);
    if (took === undefined) throw new Error(`${name}: expected a time of task ${id}, found none`);
    return { id, parents, seconds: took };
  });
  return { name, tasks };
}

/** No schedule on so many slots is shorter: neither than the longest path, nor than all work spread evenly. */
export function lowerBoundSeconds({ tasks }: Trace, slots: number): number {
  const total = tasks.reduce((sum, { seconds }) => sum + seconds, 0);
  return Math.max(criticalPathSeconds(tasks), total / slots);
}

function criticalPathSeconds(tasks: readonly Task[]): number {
  const { children, order } = orderOf(tasks);
  const seconds = new Map(tasks.map((task) => [task.id, task.seconds]));
  const begins = new Map<string, number>();
  let longest = 0;
  for (const id of order) {
    const end = (begins.get(id) ?? 0) + (seconds.get(id) ?? 0);
    longest = Math.max(longest, end);
    for (const child of children.get(id) ?? []) begins.set(child, Math.max(begins.get(child) ?? 0, end));
  }
  return longest;
}

/**
 * Who goes first of those that are ready: whoever was ready first, or whoever has the longest path before it, by the number of
 * its tasks (as the engine does) or by their times (which an engine that runs it for the first time cannot know).
 */
export type ScheduleRule = 'first-ready' | 'most-tasks-first' | 'longest-path-first';

/**
 * The makespan of a schedule without any overhead that leaves no slot idle while a task is ready. The bound may be out of reach for
 * any schedule: this says how much of a ratio is the trace's and how much the engine's.
 */
export function listScheduleSeconds({ tasks }: Trace, slots: number, rule: ScheduleRule): number {
  const { children, order } = orderOf(tasks);
  const seconds = new Map(tasks.map((task) => [task.id, task.seconds]));
  const left = new Map<string, number>();
  for (const id of [...order].reverse()) {
    const after = (children.get(id) ?? []).map((child) => left.get(child) ?? 0);
    left.set(id, (rule === 'most-tasks-first' ? 1 : (seconds.get(id) ?? 0)) + Math.max(0, ...after));
  }
  const waitsFor = new Map(tasks.map(({ id, parents }) => [id, parents.length]));
  const ready = tasks.filter(({ parents }) => parents.length === 0).map(({ id }) => id);
  const running: { readonly id: string; readonly end: number }[] = [];
  let now = 0;
  for (;;) {
    if (rule !== 'first-ready') ready.sort((one, other) => (left.get(other) ?? 0) - (left.get(one) ?? 0));
    for (const id of ready.splice(0, slots - running.length)) running.push({ id, end: now + (seconds.get(id) ?? 0) });
    running.sort((one, other) => one.end - other.end);
    const ended = running.shift();
    if (ended === undefined) return now;
    now = ended.end;
    for (const child of children.get(ended.id) ?? []) {
      const waits = (waitsFor.get(child) ?? 0) - 1;
      waitsFor.set(child, waits);
      if (waits === 0) ready.push(child);
    }
  }
}

interface TaskOrder {
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** Each task after all of its parents. */
  readonly order: readonly string[];
}

function orderOf(tasks: readonly Task[]): TaskOrder {
  const children = new Map<string, string[]>(tasks.map(({ id }) => [id, []]));
  for (const { id, parents } of tasks) for (const parent of parents) children.get(parent)?.push(id);
  const waitsFor = new Map(tasks.map(({ id, parents }) => [id, parents.length]));
  const order = tasks.filter(({ parents }) => parents.length === 0).map(({ id }) => id);
  // It grows while it is walked.
  for (const id of order) {
    for (const child of children.get(id) ?? []) {
      const waits = (waitsFor.get(child) ?? 0) - 1;
      waitsFor.set(child, waits);
      if (waits === 0) order.push(child);
    }
  }
  return { children, order };
}

/** The same trace with times such that the bound on so many slots is as given. In whole milliseconds, as timers have them. */
export function scaledTo(trace: Trace, slots: number, boundSeconds: number): Trace {
  const factor = boundSeconds / lowerBoundSeconds(trace, slots);
  const tasks = trace.tasks.map((task) => ({ ...task, seconds: Math.round(task.seconds * factor * 1000) / 1000 }));
  return { ...trace, tasks };
}

/** A workflow with the shape of a trace: each task naps for its time and waits for its parents. */
export function graphOfTrace({ name, tasks }: Trace, id: string): Graph {
  const actionIds = new Map(tasks.map((task, index) => [task.id, `task_${index}`]));
  const idOf = (task: string) => {
    const action = actionIds.get(task);
    if (action === undefined) throw new Error(`${name}: expected a task ${task}, found none`);
    return action;
  };
  const parents = new Map(tasks.map((task) => [idOf(task.id), task.parents.map(idOf)]));
  const actions = tasks.map((task) => ({
    id: idOf(task.id),
    action: napAction,
    inputs: { ms: task.seconds * 1000 },
    after: task.parents.map(idOf),
  }));
  return { id, definition: definition(id, actions), parents };
}

export const napAction = 'bench-nap@1.0';

/** Where bounds are published, ours must be the same: a wrong one would make every makespan look good or bad. */
function checkBounds(trace: Trace, bounds: Readonly<Record<string, readonly [number, number]>>): void {
  for (const [slots, [expected]] of Object.entries(bounds)) {
    const found = lowerBoundSeconds(trace, Number(slots));
    if (Math.abs(found - expected) > roundingSeconds) {
      throw new Error(`${trace.name} on ${slots} slots: expected a bound of ${expected} s, found ${found}`);
    }
  }
}

import type { Figure, Row } from '../rows';
import { rounded } from '../table';
import type { ReaderResult, Spread } from './capacity';
import type { SingleRun } from './single-run';
import { unitCosts, type Costs } from './unit-costs';
import type { Compared } from './validation';
import type { Verdict } from './verdict';

/** Numbers of a thousand and more are read in thousands. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value >= 999_500) return `${rounded(value / 1e6)} M`;
  return value >= 1_000 ? `${rounded(value / 1e3)} k` : rounded(value);
}

export function summaryTable(verdicts: readonly Verdict[]): string {
  const head = [
    'Load, deployment',
    'Asked steps/s',
    'Reached',
    'Carries at most',
    'Gives way first',
    'Step p50 / p99 ms',
  ].concat(['Messages of a turn', 'Broker messages a step', 'Lists behind p99', 'Relay behind p99', 'Log grows a day']);
  const lines = verdicts.map(({ atLoad, full, first, isCarried }) => [
    atLoad.scenario.name,
    short(atLoad.scenario.load.stepsPerS),
    short(atLoad.reachedStepsPerS),
    short(full.reachedStepsPerS),
    first.part,
    isCarried ? spread(atLoad.stepMs) : 'a line forms',
    rounded(atLoad.itemsPerTurn),
    rounded(atLoad.messagesPerStep),
    behind(atLoad.projections),
    behind(atLoad.relay),
    growth(atLoad.logBytesPerS),
  ]);
  return table(head, lines);
}

/** What each part carries over what is asked of it: how busy, or how many times too small. */
export function partsTable(verdicts: readonly Verdict[]): string {
  const parts = [...new Set(verdicts.flatMap((verdict) => verdict.parts.map(({ part }) => part)))];
  const cell = ({ parts: uses }: Verdict, part: string) => {
    const use = uses.find((each) => each.part === part);
    if (use === undefined) return '–';
    const { needed, count } = use;
    const share = needed >= 1 ? `**${rounded(needed)}x**` : `${Math.round(100 * needed)} %`;
    return count === 1 ? share : `${share} of ${short(count)}`;
  };
  return table(
    ['Part', ...verdicts.map(({ atLoad }) => atLoad.scenario.name)],
    parts.map((part) => [part, ...verdicts.map((verdict) => cell(verdict, part))]),
  );
}

export function comparedTable(compared: readonly Compared[]): string {
  return table(
    ['The benchmark and its simulation', 'Measured', 'Simulated'],
    compared.map(({ figure: name, measured, simulated }) => [name, rounded(measured), rounded(simulated)]),
  );
}

export function singleRunTable(runs: readonly SingleRun[]): string {
  return table(
    ['One run alone', 'Longest path', 'At once', 'Steps/s', 'Seconds', 'Messages of a turn'],
    runs.map(({ shape, capacity, seconds }) => [
      shape.name,
      short(shape.depth),
      String(shape.width),
      short(capacity.reachedStepsPerS),
      rounded(seconds),
      rounded(capacity.itemsPerTurn),
    ]),
  );
}

/** Where figures come from, and which were replaced. */
export function costsTable(costs: Costs): string {
  return table(
    ['Cost', 'Value', 'Basis', 'From'],
    Object.entries(unitCosts).map(([name, { value, basis, from }]) => {
      const used = costs[name as keyof Costs];
      return used === value ? [name, String(value), basis, from] : [name, String(used), 'given', `instead of ${value}`];
    }),
  );
}

/** As the benchmark writes them. What is endless has no place in JSON. */
export function rowsOf(verdicts: readonly Verdict[], runs: readonly SingleRun[]): Row[] {
  return [
    ...verdicts.flatMap((verdict) => row(`scaling ${verdict.atLoad.scenario.name}`, figuresOf(verdict))),
    ...runs.flatMap(({ shape, capacity, seconds }) =>
      row(`scaling one run, ${shape.name}`, [
        figure('steps_per_s', 'steps/s', capacity.reachedStepsPerS),
        figure('total_s', 's', seconds),
        figure('items_per_turn', 'items', capacity.itemsPerTurn),
      ]),
    ),
  ];
}

function figuresOf({ atLoad, full, parts }: Verdict): Figure[] {
  return [
    figure('asked_steps_per_s', 'steps/s', atLoad.scenario.load.stepsPerS),
    figure('steps_per_s', 'steps/s', atLoad.reachedStepsPerS),
    figure('most_steps_per_s', 'steps/s', full.reachedStepsPerS),
    figure('step_p50_ms', 'ms', atLoad.stepMs.p50),
    figure('step_p99_ms', 'ms', atLoad.stepMs.p99),
    figure('start_p50_ms', 'ms', atLoad.startMs.p50),
    figure('start_p99_ms', 'ms', atLoad.startMs.p99),
    figure('run_p50_ms', 'ms', atLoad.runMs.p50),
    figure('items_per_turn', 'items', atLoad.itemsPerTurn),
    figure('messages_per_step', 'messages', atLoad.messagesPerStep),
    figure('projection_lag_p99_ms', 'ms', atLoad.projections.lagMs.p99),
    figure('relay_lag_p99_ms', 'ms', atLoad.relay.lagMs.p99),
    figure('log_bytes_per_s', 'bytes/s', atLoad.logBytesPerS),
    ...parts.flatMap(({ part, utilisation, needed, carriesStepsPerS }) => [
      figure(`busy.${part}`, 'ratio', utilisation),
      figure(`needed.${part}`, 'ratio', needed),
      figure(`carries.${part}`, 'steps/s', carriesStepsPerS),
    ]),
  ].filter(({ value }) => Number.isFinite(value));
}

function row(workload: string, figures: readonly Figure[]): Row[] {
  return figures.map((each) => ({ workload, mode: 'distributed', system: 'simulated', ...each, runs: 1 }));
}

function figure(metric: string, unit: string, value: number): Figure {
  return { metric, unit, value };
}

function spread({ p50, p99 }: Spread): string {
  return `${rounded(p50)} / ${rounded(p99)}`;
}

function growth(bytesPerS: number): string {
  const terabytes = (bytesPerS * 86_400) / 1e12;
  return terabytes < 1 ? `${rounded(1e3 * terabytes)} GB` : `${rounded(terabytes)} TB`;
}

const keepsUpFrom = 0.9;

function behind({ keepsUp, lagMs }: ReaderResult): string {
  return keepsUp < keepsUpFrom ? `ever more (${Math.round(100 * keepsUp)} %)` : `${rounded(lagMs.p99)} ms`;
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...lines.map(line)].join('\n');
}

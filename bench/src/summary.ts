import { partRatios, ratioLegend, ratioSystem, ratioText } from './ratios';
import { median, type Mode, type Row } from './rows';
import { markdownTable, rounded } from './table';

/** Which rows a figure is made of. */
interface Source {
  readonly workload: RegExp;
  readonly metric: RegExp;
  readonly unit: string;
}

interface Line {
  readonly label: string;
  /** Several are shown with slashes between. Peers are ranked by the first. */
  readonly sources: readonly Source[];
  /** Distributed and standalone; once where both are the same. */
  readonly goal: string;
  /** What the goal is about: it says nothing about smaller sizes. */
  readonly goalNeeds?: { readonly size: string; readonly isMet: (row: Row) => boolean };
}

const source = (workload: RegExp, metric: string, unit: string): Source => ({
  workload,
  metric: new RegExp(`^${metric}$`),
  unit,
});

/** Goals are those for a machine of two cores with everything on it. */
const lines: readonly Line[] = [
  { label: 'W1 chain, a step', sources: [source(/^W1$/, 'ms_per_step', 'ms')], goal: '≤ 3 ms; ≤ 1 ms' },
  {
    label: 'W2 5,000 runs of 3',
    sources: [source(/^W2 5000$/, 'steps_per_s', 'steps/s')],
    goal: '≥ 5000 steps/s; ≥ 8000 steps/s',
  },
  {
    label: 'W2 5,000 runs of 3, batch',
    sources: [source(/^W2 5000 batch$/, 'steps_per_s', 'steps/s')],
    goal: '–',
  },
  {
    label: 'W3 fan of 1,000',
    sources: [source(/^W3$/, 'total_ms', 'ms')],
    goal: '≤ 400 ms; ≤ 200 ms',
  },
  {
    label: 'W4 start, p50 / p99',
    sources: [source(/^W4$/, 'start_p50_ms', 'ms'), source(/^W4$/, 'start_p99_ms', 'ms')],
    goal: '≤ 5 / 15 ms; ≤ 2 / 5 ms',
  },
  {
    label: 'CPU of all, under W2',
    sources: [source(/^W2 5000$/, 'cpu_us_per_step', 'µs/step')],
    goal: '≤ 400 µs/step; ≤ 200 µs/step',
  },
  {
    label: 'W5 runs wait: runner / W4 over before',
    sources: [source(/^W5 [1-9]/, 'rss_mib\\.(runner-1|engine)', 'MiB'), source(/^W5 [1-9]/, 'start_p50_ratio', 'x')],
    goal: '≤ 512 MiB / 1.5 x',
    goalNeeds: { size: '10,000 runs', isMet: ({ workload }) => workload === 'W5 10000' },
  },
  {
    label: 'W6 growth of an action’s time',
    sources: [source(/^W6$/, 'growth', 'x')],
    goal: '≤ 1.5 x',
    goalNeeds: { size: '100,000 actions', isMet: ({ workload }) => workload === 'W6 100000' },
  },
  {
    label: 'W7 first decision / all heads',
    sources: [source(/^W7$/, 'first_decision_s', 's'), source(/^W7$/, 'all_heads_s', 's')],
    goal: '≤ 2 / 5 s',
    goalNeeds: { size: '10,000 runs', isMet: ({ metric, value }) => metric === 'open_runs' && value >= 10_000 },
  },
  {
    label: 'W8 second run over the bound, median, k = 8 / 64',
    sources: [source(/^W8 .* k=8$/, 'makespan_again_ratio', 'x'), source(/^W8 .* k=64$/, 'makespan_again_ratio', 'x')],
    goal: '≤ 1.05 x',
  },
  {
    label: 'W9 list / run / lag, p99',
    sources: ['list_p99_ms', 'run_p99_ms', 'projection_lag_p99_ms'].map((metric) => source(/^W9$/, metric, 'ms')),
    goal: '≤ 50 / 50 / 500 ms',
  },
];

const none = '–';

/** The rows of a JSON file as the table of a README: ours in both modes beside goals and the best peer. `ours` is our system's name. */
export function renderSummary(rows: readonly Row[], ours: string): string {
  const { figures, ratios } = partRatios(rows);
  const mine = figures.filter(({ system }) => system === ours);
  // Other forms of ours are neither peers nor what the goals are about.
  const peers = figures.filter(({ system }) => !system.startsWith(ours));
  const inMode = (mode: Mode) => mine.filter((row) => row.mode === mode);
  const body = lines.map((line) => [
    line.label,
    cell(line, inMode('distributed')),
    cell(line, inMode('standalone')),
    goalCell(line, mine),
    bestPeer(line, peers, ratios, ours),
  ]);
  const table = markdownTable(['', 'Distributed', 'Standalone', 'Goal', 'Best peer'], body);
  const legend = 'Goals and ratios: distributed; standalone.';
  return `${table}\n\n${legend}${ratios.length === 0 ? '' : ` ${ratioLegend}`}`;
}

function goalCell({ goal, goalNeeds }: Line, rows: readonly Row[]): string {
  const isAboutThese = goalNeeds === undefined || rows.some(goalNeeds.isMet);
  return isAboutThese ? goal : `${goal} of ${goalNeeds.size}: smaller here`;
}

function cell({ sources }: Line, rows: readonly Row[]): string {
  const shown = sources.map((each) => ({ value: valueOf(each, rows), unit: each.unit }));
  if (shown.every(({ value }) => value === undefined)) return none;
  // A unit is said once where it is that of the next as well.
  return shown
    .map(({ value, unit }, at) => {
      const text = value === undefined ? none : rounded(value);
      return shown[at + 1]?.unit === unit ? text : `${text} ${unit}`;
    })
    .join(' / ');
}

/** The median where several workloads have a part in it, as with recorded workflows. */
function valueOf({ workload, metric }: Source, rows: readonly Row[]): number | undefined {
  const found = rows.filter((row) => workload.test(row.workload) && metric.test(row.metric));
  const values = found.map(({ value }) => value);
  return values.length === 0 ? undefined : median(values);
}

function bestPeer(line: Line, peers: readonly Row[], ratios: readonly Row[], ours: string): string {
  const [first] = line.sources;
  if (first === undefined) return none;
  const isHigherBetter = first.unit.endsWith('/s');
  const ranked = [...new Set(peers.map(({ system }) => system))]
    .map((system) => ({ system, value: valueOf(first, ofSystem(peers, system)) }))
    .filter((each): each is { system: string; value: number } => each.value !== undefined)
    .sort((left, right) => (isHigherBetter ? right.value - left.value : left.value - right.value));
  const [best] = ranked;
  if (best === undefined) return none;
  const between = ofSystem(ratios, ratioSystem(best.system, ours));
  const compared = (['distributed', 'standalone'] as const).map((mode) => ratioCell(first, between, mode));
  const isCompared = compared.some((text) => text !== none);
  return `${best.system} ${cell(line, ofSystem(peers, best.system))}${isCompared ? `: ${compared.join('; ')}` : ''}`;
}

function ratioCell({ workload, metric }: Source, ratios: readonly Row[], mode: Mode): string {
  const found = ratios.find(
    (row) => row.mode === mode && workload.test(row.workload) && metric.test(row.metric.replace(/_ratio$/, '')),
  );
  return found === undefined ? none : ratioText(found.metric, found.value);
}

function ofSystem(rows: readonly Row[], name: string): Row[] {
  return rows.filter(({ system }) => system === name);
}

import { median, type Row } from './rows';

/** Between the names of two systems, and after that of a metric, where a row compares. */
const over = ' / ';
const suffix = '_ratio';

const isRatio = ({ system }: Pick<Row, 'system'>) => system.includes(over);

/** Rows that compare a peer with us, and all others. */
export function partRatios(rows: readonly Row[]): { readonly ratios: Row[]; readonly figures: Row[] } {
  return { ratios: rows.filter(isRatio), figures: rows.filter((row) => !isRatio(row)) };
}

export function ratioSystem(peer: string, ours: string): string {
  return `${peer}${over}${ours}`;
}

/**
 * Each figure of each peer over the same figure of ours, by what it was measured beside: the median of the ratios within a repeat, not
 * the ratio of medians, so that a machine that is slower for an hour is so for both sides of a pair.
 */
export function ratiosOf(repeats: readonly (readonly Row[])[], isOurs: (system: string) => boolean): Row[] {
  const pairs = repeats.flatMap((rows) =>
    rows.filter(({ system }) => !isOurs(system)).flatMap((peer) => pairsOf(peer, rows, isOurs)),
  );
  const groups = new Map<string, Row[]>();
  for (const pair of pairs) {
    const key = JSON.stringify([pair.system, pair.mode, pair.workload, pair.metric]);
    groups.set(key, [...(groups.get(key) ?? []), pair]);
  }
  return [...groups.values()].flatMap((group) =>
    group.slice(0, 1).map((first) => ({
      ...first,
      value: median(group.map(({ value }) => value)),
      runs: group.length,
    })),
  );
}

function pairsOf(peer: Row, rows: readonly Row[], isOurs: (system: string) => boolean): Row[] {
  return rows
    .filter(({ system, workload, metric }) => isOurs(system) && workload === peer.workload && metric === peer.metric)
    .map((ours) => ({
      workload: ours.workload,
      mode: ours.mode,
      system: ratioSystem(peer.system, ours.system),
      metric: `${peer.metric}${suffix}`,
      unit: 'x',
      value: peer.value / ours.value,
      runs: 1,
    }));
}

/** Times and costs are better when lower, rates when higher. */
export function isBetterWhenHigher(metric: string): boolean {
  return metric.replace(suffix, '').endsWith('_per_s');
}

/** `2.31 x (ahead)`: who is ahead is said from our side. */
export function ratioText(metric: string, value: number): string {
  const isAhead = isBetterWhenHigher(metric) ? value < 1 : value > 1;
  return `${value.toFixed(2)} x (${isAhead ? 'ahead' : 'behind'})`;
}

/** What must stand beside ratios, since for a rate and for a time they mean the opposite. */
export const ratioLegend =
  'A ratio is the figure of the peer over ours in the same repeat. Times and costs are better when lower, rates (…/s) when higher: ' +
  '(ahead) says that ours is the better one, (behind) that the peer’s is.';

import { categories, type Category, type Violation } from './checks';
import type { Wait } from './load';
import { faultKinds, type FaultKind } from './schedule';

/** A fault that was made, or why it was not. */
export interface Tried {
  readonly kind: FaultKind;
  /** From its injection until it was over, in milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly outcome: 'made' | 'not possible' | 'not begun' | 'not ended';
  /** Of any other outcome than made. */
  readonly reason?: string;
}

export interface Outcome {
  readonly tried: readonly Tried[];
  readonly accepted: number;
  readonly violations: readonly Violation[];
  /** How long each accepted request had to wait. */
  readonly waits: readonly Wait[];
  /** How often somebody has read the whole list of runs meanwhile. */
  readonly looks: number;
  /** From the end of a runner until somebody decided in its place, in milliseconds. */
  readonly takeovers: readonly number[];
  readonly ownEnds: number;
}

const labels: Readonly<Record<Category, string>> = {
  lost: 'lost',
  stuck: 'stuck',
  wrong: 'wrong',
  'duplicate effect': 'duplicate effects',
};

/** One table: what was done to the engine, and what it did. */
export function renderReport({ tried, accepted, violations, waits, looks, takeovers, ownEnds }: Outcome): string {
  const faults = faultKinds.map((kind): Line => {
    const ofKind = tried.filter((each) => each.kind === kind);
    const done = ofKind.filter(isMade);
    const others = ofKind.filter((each) => !isMade(each)).map(({ outcome, reason }) => `${outcome}: ${reason}`);
    const notes = [...(done.length === 0 ? [] : [longestRecovery(done, waits)]), ...new Set(others)];
    return [kind, String(done.length), notes.join('; ')];
  });
  const done = tried.filter(isMade);
  const counts = categories.map((category): Line => {
    return [labels[category], String(violations.filter((each) => each.category === category).length), ''];
  });
  return table([
    ['', 'Count', 'Longest recovery'],
    ...faults,
    ['faults in all', String(done.length), longestRecovery(done, waits)],
    ['runners killed, nothing beside', String(takeovers.length), takeovers.length === 0 ? '' : longest(takeovers)],
    ['runs accepted', String(accepted), ''],
    ['lists of all runs read meanwhile', String(looks), ''],
    ...counts,
    ['services that ended by themselves', String(ownEnds), ''],
  ]);
}

/** In what the storm was less than asked for: then its silence proves nothing. */
export function shortfalls(tried: readonly Tried[], asked: number): string[] {
  const made = tried.filter(isMade).length;
  return [
    ...(made < asked ? [`expected ${asked} faults to be made, found ${made}`] : []),
    ...tried
      .filter(({ outcome }) => outcome === 'not ended')
      .map(({ kind, reason }) => `a fault of kind ${kind} could not be ended: ${reason}`),
  ];
}

function isMade({ outcome }: Tried): boolean {
  return outcome === 'made';
}

/**
 * How long the engine took to accept a run after such a fault: of all requests that waited while one of them went on, or that
 * were made within a second after it, the longest wait.
 */
function longestRecovery(faults: readonly Tried[], waits: readonly Wait[]): string {
  const affected = waits.filter(({ askedAt, tookMs }) =>
    faults.some(({ from, to }) => askedAt <= to + 1_000 && askedAt + tookMs >= from),
  );
  return longest(affected.map(({ tookMs }) => tookMs));
}

function longest(durationsMs: readonly number[]): string {
  return `${(Math.max(0, ...durationsMs) / 1000).toFixed(1)} s`;
}

type Line = readonly [string, string, string];

function table([head, ...lines]: readonly [Line, ...Line[]]): string {
  const all = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...all.map((line) => line[column]?.length ?? 0)));
  const row = (line: Line) => `| ${line.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [row(head), rule, ...lines.map(row)].join('\n');
}

import type { Row } from './rows';

/** One line of what has just been measured, for whoever waits. */
export function progress(mode: string, workload: string, system: string, rows: readonly Row[]): string {
  const shown = rows
    .filter(({ metric }) => !metric.includes('.'))
    .map((row) => `${row.workload === workload ? '' : `${row.workload}: `}${row.metric} ${row.value.toFixed(2)}`);
  return `${mode.padEnd(12)} ${workload.padEnd(13)} ${system.padEnd(22)} ${shown.join('  ')}`;
}

export function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}

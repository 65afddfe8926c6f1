import type { Row } from './rows';

/** A Markdown table, so that what is printed can be put into a document as it is. Memory and CPU by process are in the JSON. */
export function renderTable(rows: readonly Row[]): string {
  const shown = rows.filter(({ metric }) => !metric.includes('.'));
  const lines = shown.map(({ workload, mode, system, metric, unit, value, runs }) => [
    workload,
    mode,
    system,
    metric,
    `${rounded(value)} ${unit}`,
    String(runs),
  ]);
  const head = ['Workload', 'Mode', 'System', 'Metric', 'Value', 'Runs'];
  const widths = head.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0)));
  const row = (cells: readonly string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const rule = row(widths.map((width) => '-'.repeat(width)));
  return [row(head), rule, ...lines.map(row)].join('\n');
}

/** Three significant digits, and whole numbers from 100 on. */
export function rounded(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

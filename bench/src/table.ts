import { isBetterWhenHigher, partRatios, ratioLegend, ratioText } from './ratios';
import type { Row } from './rows';

/** Markdown, so that what is printed can be put into a document as it is. Memory and CPU by process are in the JSON. */
export function renderTable(rows: readonly Row[]): string {
  const { figures, ratios } = partRatios(rows.filter(({ metric }) => !metric.includes('.')));
  const lines = figures.map(({ workload, mode, system, metric, unit, value, runs }) => [
    workload,
    mode,
    system,
    metric,
    `${rounded(value)} ${unit}`,
    String(runs),
  ]);
  const table = markdownTable(['Workload', 'Mode', 'System', 'Metric', 'Value', 'Runs'], lines);
  return ratios.length === 0 ? table : `${table}\n\n${ratioLegend}\n\n${renderRatios(ratios)}`;
}

function renderRatios(ratios: readonly Row[]): string {
  const lines = ratios.map(({ workload, mode, system, metric, value, runs }) => [
    workload,
    mode,
    system,
    metric,
    isBetterWhenHigher(metric) ? 'higher' : 'lower',
    ratioText(metric, value),
    String(runs),
  ]);
  return markdownTable(['Workload', 'Our mode', 'Peer / ours', 'Metric', 'Better', 'Ratio', 'Pairs'], lines);
}

export function markdownTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
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

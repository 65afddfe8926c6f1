import { printJson, printLines, type Context } from '../context';
import type { RunListItem } from '../engine/answers';
import { formatDuration, formatTime } from '../render/format';
import { lookOf, type Paint } from '../render/style';
import { table } from '../render/table';

export interface RunsOptions {
  readonly workflow?: string;
  readonly state?: string;
  readonly label: readonly string[];
  readonly limit: number;
  readonly json?: boolean;
}

export async function runs(context: Context, { workflow, state, label, limit, json }: RunsOptions): Promise<void> {
  const { items, next_cursor: next } = await context.engine.runs({ workflow, state, labels: label, limit });
  if (json === true) return printJson(context, items);
  if (items.length === 0) return context.terminal.note('No runs');
  printLines(context, runTable(items, context.terminal.paint));
  if (next !== null) context.terminal.note(`There are more; --limit shows more than ${limit}.`);
}

export function runTable(items: readonly RunListItem[], paint: Paint): string[] {
  const rows = items.map((item) => {
    const { symbol, tint } = lookOf(item.state);
    const { created_at: start, ended_at: end } = item;
    const duration = end === null ? '' : formatDuration(Date.parse(end) - Date.parse(start));
    const labels = Object.entries(item.labels).map(([name, value]) => `${name}=${value}`);
    const workflow = `${item.workflow_id} v${item.workflow_version}`;
    return [
      item.run_id,
      workflow,
      paint(tint, `${symbol} ${item.state}`),
      formatTime(start),
      duration,
      labels.join(' '),
    ];
  });
  return table(['RUN', 'WORKFLOW', 'STATE', 'STARTED (UTC)', 'TOOK', 'LABELS'], rows, paint);
}

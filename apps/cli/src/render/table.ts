import type { Paint } from './style';

/** The escape that begins a colour, and its end. */
const colours = /\u001b\[\d+m/g;

/** Columns that a text takes on a terminal, colours aside. */
export function widthOf(text: string): number {
  return Array.from(text.replace(colours, '')).length;
}

export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Left-aligned columns under a dim head, two blanks between them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], paint: Paint): string[] {
  const widths = head.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(widthOf)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => padTo(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('dim', line(head)), ...rows.map(line)];
}

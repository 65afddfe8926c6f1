import type { Terminal } from '../context';

const hideCursor = '\u001b[?25l';
const showCursor = '\u001b[?25h';
const eraseLine = '\u001b[K';
const eraseBelow = '\u001b[J';

/**
 * A block of lines that is drawn over itself. Each drawing is one write that overwrites line by line and never clears
 * first: nothing flickers.
 */
export class LiveScreen {
  private drawn = 0;

  constructor(private readonly terminal: Terminal) {
    terminal.write(hideCursor);
  }

  draw(lines: readonly string[]): void {
    const { columns } = this.terminal.size();
    const up = this.drawn === 0 ? '' : `\u001b[${this.drawn}A`;
    const body = lines.map((line) => `${clip(line, columns - 1)}${eraseLine}\n`).join('');
    this.terminal.write(`\r${up}${body}${eraseBelow}`);
    this.drawn = lines.length;
  }

  /** Leaves the last drawing on the screen. */
  close(): void {
    this.terminal.write(showCursor);
  }
}

/** A line that wrapped would move all below it. Colour codes take no room; one that is cut off is ended. */
export function clip(line: string, width: number): string {
  let room = width;
  let clipped = '';
  for (const part of line.match(/\u001b\[\d+m|./gu) ?? []) {
    const isColour = part.startsWith('\u001b');
    if (!isColour && room === 0) continue;
    if (!isColour) room--;
    clipped += part;
  }
  return clipped;
}

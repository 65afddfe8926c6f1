const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;
export type Tint = keyof typeof codes;

/** Colours, where the reader can see them. */
export type Paint = (tint: Tint, text: string) => string;

export const plain: Paint = (_tint, text) => text;
export const coloured: Paint = (tint, text) => (text === '' ? '' : `\u001b[${codes[tint]}m${text}\u001b[0m`);

interface StateLook {
  readonly symbol: string;
  readonly tint: Tint;
}

const looks: Readonly<Record<string, StateLook>> = {
  succeeded: { symbol: '✓', tint: 'green' },
  failed: { symbol: '✗', tint: 'red' },
  failing: { symbol: '✗', tint: 'red' },
  skipped: { symbol: '–', tint: 'dim' },
  cancelled: { symbol: '■', tint: 'yellow' },
  cancelling: { symbol: '■', tint: 'yellow' },
  running: { symbol: '▸', tint: 'blue' },
  finalizing: { symbol: '▸', tint: 'blue' },
  scheduled: { symbol: '▹', tint: 'blue' },
  retrying: { symbol: '↻', tint: 'yellow' },
  ready: { symbol: '◦', tint: 'cyan' },
  waiting: { symbol: '·', tint: 'dim' },
};

/** How a state of a run or an execution looks. */
export function lookOf(state: string): StateLook {
  return looks[state] ?? { symbol: '?', tint: 'dim' };
}

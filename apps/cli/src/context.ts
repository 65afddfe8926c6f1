import type { Engine } from './engine/engine';
import type { Paint } from './render/style';

/** Where a command's words go: results to stdout, so that they can be piped; what accompanies them to stderr. */
export interface Terminal {
  /** Whether stdout is seen by a person, as it is drawn. */
  readonly isInteractive: boolean;
  readonly paint: Paint;
  readonly size: () => { readonly columns: number; readonly rows: number };
  /** Written as it is. */
  readonly write: (text: string) => void;
  /** A line beside the result. */
  readonly note: (line: string) => void;
  /** What is piped in; opened only by who reads it. */
  readonly stdin: () => NodeJS.ReadableStream;
}

/** What every command is given. */
export interface Context {
  readonly engine: Engine;
  readonly terminal: Terminal;
  /** Aborts on Ctrl-C. */
  readonly interrupted: AbortSignal;
}

export function printLines({ terminal }: Pick<Context, 'terminal'>, lines: readonly string[]): void {
  for (const line of lines) terminal.write(`${line}\n`);
}

export function printJson({ terminal }: Pick<Context, 'terminal'>, value: unknown): void {
  terminal.write(`${JSON.stringify(value, null, 2)}\n`);
}

import { parseArgs } from 'node:util';
import type { Mode } from './rows';
import type { Size } from './workload';

/** What `--only` names. */
export const workloadCodes = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8', 'W9'];

const modes: readonly Mode[] = ['standalone', 'distributed'];

/** What the command line asks for. */
export interface Asked {
  readonly size: Size;
  readonly json: string | undefined;
  readonly only: ReadonlySet<string> | undefined;
  readonly modes: readonly Mode[];
  readonly repeats: number;
  /** Draws cost curves instead of measuring the workloads. */
  readonly curves: boolean;
  /** The folder with recorded workflows, where one was named. */
  readonly traces: string | undefined;
}

/** Throws with what was expected when the arguments make no sense. */
export function parseAsked(args: readonly string[]): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      mode: { type: 'string' },
      curves: { type: 'boolean', default: false },
      traces: { type: 'string' },
      repeats: { type: 'string', default: '1' },
    },
  });
  const mode = modes.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined) {
    throw new Error(`Expected --mode to be ${modes.join(' or ')}, found ${values.mode}`);
  }
  const repeats = Number(values.repeats);
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new Error(`Expected --repeats to be 1 or more, found ${values.repeats}`);
  }
  return {
    size: values.smoke ? 'smoke' : values.quick ? 'quick' : 'full',
    json: values.json,
    only: values.only === undefined ? undefined : codesOf(values.only),
    modes: mode === undefined ? modes : [mode],
    repeats,
    curves: values.curves,
    traces: values.traces ?? process.env['RYAX_BENCH_TRACES'],
  };
}

function codesOf(text: string): Set<string> {
  const codes = text.split(',');
  const unknown = codes.filter((code) => !workloadCodes.includes(code));
  if (unknown.length > 0) throw new Error(`Expected --only like W5,W7, found ${unknown.join(', ')}`);
  return new Set(codes);
}

import { parseArgs } from 'node:util';
import type { Peers } from './peers';
import type { Mode } from './rows';
import type { Size } from './workload';

/** What `--only` names. */
export const workloadCodes = ['W1', 'W2', 'W3', 'W4', 'W5', 'W6', 'W7', 'W8', 'W9'];

const modes: readonly Mode[] = ['standalone', 'distributed'];

/** A single pair says nothing: a disk or a neighbour may have been slow just then. */
const repeatsWithPeers = 3;

/** What the command line asks for. */
export interface Asked {
  readonly size: Size;
  readonly json: string | undefined;
  /** A JSON file of before that is to be shown as the table of a README. Then nothing is measured. */
  readonly table: string | undefined;
  readonly only: ReadonlySet<string> | undefined;
  readonly modes: readonly Mode[];
  readonly repeats: number;
  /** Which peers are measured in turn with us; undefined for none. */
  readonly peers: readonly string[] | undefined;
  /** Draws cost curves instead of measuring the workloads. */
  readonly curves: boolean;
  /** The folder with recorded workflows, where one was named. */
  readonly traces: string | undefined;
}

/** Throws with what was expected when the arguments make no sense. */
export function parseAsked(args: readonly string[], known: Pick<Peers, 'peerNames' | 'peerWorkloads'>): Asked {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      table: { type: 'string' },
      only: { type: 'string' },
      mode: { type: 'string' },
      curves: { type: 'boolean', default: false },
      traces: { type: 'string' },
      repeats: { type: 'string' },
      peers: { type: 'boolean', default: false },
      'peers-only': { type: 'string' },
    },
  });
  const mode = modes.find((each) => each === values.mode);
  if (values.mode !== undefined && mode === undefined) {
    throw new Error(`Expected --mode to be ${modes.join(' or ')}, found ${values.mode}`);
  }
  const size = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const peersOnly = values['peers-only'];
  const peers =
    values.peers || peersOnly !== undefined
      ? someOf(peersOnly ?? known.peerNames.join(), known.peerNames, '--peers-only')
      : undefined;
  if (peers !== undefined && (size === 'smoke' || values.curves)) {
    throw new Error('Expected --peers with --quick or alone: peers have no tiny sizes and no curves');
  }
  const repeats = Number(values.repeats ?? (peers !== undefined && size === 'full' ? repeatsWithPeers : 1));
  if (!Number.isInteger(repeats) || repeats < 1) {
    throw new Error(`Expected --repeats to be 1 or more, found ${values.repeats}`);
  }
  // What peers cannot do has nothing to be compared with.
  const codes = peers === undefined ? workloadCodes : known.peerWorkloads;
  const only = values.only === undefined ? undefined : someOf(values.only, codes, '--only');
  return {
    size,
    json: values.json,
    table: values.table,
    only: only === undefined && peers === undefined ? undefined : new Set(only ?? codes),
    peers,
    modes: mode === undefined ? modes : [mode],
    repeats,
    curves: values.curves,
    traces: values.traces ?? process.env['RYAX_BENCH_TRACES'],
  };
}

/** The parts of a list with commas, each of which must be known. */
function someOf(text: string, known: readonly string[], option: string): string[] {
  const parts = text.split(',');
  const unknown = parts.filter((part) => !known.includes(part));
  if (unknown.length > 0)
    throw new Error(`Expected ${option} to be of ${known.join(',')}, found ${unknown.join(', ')}`);
  return parts;
}

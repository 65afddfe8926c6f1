import { parseArgs } from 'node:util';
import { faultKinds, type FaultKind } from './schedule';

export interface CampaignOptions {
  readonly seed: number;
  /** How many faults are made at least. */
  readonly faults: number;
  /** Kinds that are made; all unless told. */
  readonly only: readonly FaultKind[];
  /** A part that is taken out of the engine, to see that the campaign finds out. */
  readonly without?: Removable;
  /** How long a run may take to end after the last fault; longer, and it is stuck. */
  readonly patienceMs: number;
}

/** Each is a module of sabotage/, loaded into the runners. */
const removables = ['re-emission', 'compare-and-set'] as const;
export type Removable = (typeof removables)[number];

/** A lost attempt may wait a minute for its next one, and a cancel two for its holder. */
const defaults = { seed: 1, faults: 200, patienceS: 300 } as const;

/** `--seed 7 --faults 30 --only kill,pause --without re-emission --patience 20` */
export function parseOptions(args: readonly string[]): CampaignOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      faults: { type: 'string' },
      only: { type: 'string' },
      without: { type: 'string' },
      patience: { type: 'string' },
    },
  });
  return {
    seed: wholeNumber('--seed', values.seed, defaults.seed),
    faults: wholeNumber('--faults', values.faults, defaults.faults),
    only: kinds(values.only),
    ...removed(values.without),
    patienceMs: 1_000 * wholeNumber('--patience', values.patience, defaults.patienceS),
  };
}

/** What repeats the campaign. */
export function commandOf({ seed, faults, only, without, patienceMs }: CampaignOptions): string {
  const restriction = only.length === faultKinds.length ? '' : ` --only ${only.join(',')}`;
  const removal = without === undefined ? '' : ` --without ${without}`;
  const patience = patienceMs === 1_000 * defaults.patienceS ? '' : ` --patience ${patienceMs / 1000}`;
  return `npm run chaos -- --seed ${seed} --faults ${faults}${restriction}${removal}${patience}`;
}

function removed(text: string | undefined): Pick<CampaignOptions, 'without'> {
  if (text === undefined) return {};
  const without = removables.find((each) => each === text);
  if (without === undefined)
    throw new Error(`Expected --without to name one of ${removables.join(', ')}, found "${text}"`);
  return { without };
}

function wholeNumber(name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^\d{1,9}$/.test(text)) throw new Error(`Expected ${name} to be a whole number, found "${text}"`);
  return Number(text);
}

function kinds(text: string | undefined): readonly FaultKind[] {
  if (text === undefined) return faultKinds;
  return text.split(',').map((name) => {
    const kind = faultKinds.find((each) => each === name);
    if (kind === undefined)
      throw new Error(`Expected --only to name some of ${faultKinds.join(', ')}, found "${name}"`);
    return kind;
  });
}

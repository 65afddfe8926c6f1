import { parseArgs } from 'node:util';
import { faultKinds, type FaultKind } from './schedule';

export interface CampaignOptions {
  readonly seed: number;
  /** How many faults are made at least. */
  readonly faults: number;
  /** Kinds that are made; all unless told. */
  readonly only: readonly FaultKind[];
}

const defaults = { seed: 1, faults: 200 } as const;

/** `--seed 7 --faults 30 --only kill,pause` */
export function parseOptions(args: readonly string[]): CampaignOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { seed: { type: 'string' }, faults: { type: 'string' }, only: { type: 'string' } },
  });
  return {
    seed: wholeNumber('--seed', values.seed, defaults.seed),
    faults: wholeNumber('--faults', values.faults, defaults.faults),
    only: kinds(values.only),
  };
}

/** What repeats the campaign. */
export function commandOf({ seed, faults, only }: CampaignOptions): string {
  const restriction = only.length === faultKinds.length ? '' : ` --only ${only.join(',')}`;
  return `npm run chaos -- --seed ${seed} --faults ${faults}${restriction}`;
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

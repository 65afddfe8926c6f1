import type { Failure, Resources } from '@ryax/contracts';
import type { MemoryGrowth } from '../definition/plan';

/** What those attempts of an execution had that ran out of memory: the first and the newest of them, in bytes. */
export interface ShortMemory {
  readonly first: number;
  readonly last: number;
}

/** Twice as much each time, and at most four times what was too little first. */
export const defaultMemoryGrowth: MemoryGrowth = { factor: 2, maxBytes: null };
const defaultMostTimes = 4;

/** After a failure. How much the attempt had is said by whoever ran it: an action that asks for none has what its site gives. */
export function shortAfter(before: ShortMemory | null, { kind, details }: Failure): ShortMemory | null {
  const had = details?.['memory_bytes'];
  if (kind !== 'out-of-memory' || typeof had !== 'number' || !(had > 0)) return before;
  return { first: before?.first ?? had, last: had };
}

/** What the next attempt asks for. Never less than an attempt had that was too little. */
export function grownResources(
  asked: Resources,
  short: ShortMemory | null,
  { factor, maxBytes }: MemoryGrowth = defaultMemoryGrowth,
): Resources {
  if (short === null) return asked;
  const most = maxBytes ?? defaultMostTimes * short.first;
  const grown = Math.max(short.last, Math.min(most, Math.ceil(factor * short.last)));
  return { ...asked, memory_bytes: Math.max(asked.memory_bytes ?? 0, grown) };
}

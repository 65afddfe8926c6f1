import type { Amounts } from '../../resource-pool';

export type { Amounts } from '../../resource-pool';

const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

export const none: Amounts = { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 };

export function plus(one: Amounts, other: Amounts): Amounts {
  return combined((resource) => one[resource] + other[resource]);
}

export function fits(amounts: Amounts, capacity: Amounts): boolean {
  return resources.every((resource) => thousandths(amounts[resource]) <= thousandths(capacity[resource]));
}

function combined(amount: (resource: keyof Amounts) => number): Amounts {
  return { slots: amount('slots'), cpu: amount('cpu'), memory_bytes: amount('memory_bytes'), gpu: amount('gpu') };
}

/** Sums of fractions such as 0.1 drift. */
function thousandths(amount: number): number {
  return Math.round(amount * 1000);
}

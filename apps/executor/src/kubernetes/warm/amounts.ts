import type { Amounts } from '../../resource-pool';

export type { Amounts } from '../../resource-pool';

const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

export const none: Amounts = { slots: 0, cpu: 0, memory_bytes: 0, gpu: 0 };

export function plus(one: Amounts, other: Amounts): Amounts {
  return combined((resource) => thousandths(one[resource]) + thousandths(other[resource]));
}

export function minus(one: Amounts, other: Amounts): Amounts {
  return combined((resource) => thousandths(one[resource]) - thousandths(other[resource]));
}

export function times(amounts: Amounts, factor: number): Amounts {
  return combined((resource) => thousandths(amounts[resource] * factor));
}

export function fits(amounts: Amounts, capacity: Amounts): boolean {
  return resources.every((resource) => thousandths(amounts[resource]) <= thousandths(capacity[resource]));
}

function combined(amount: (resource: keyof Amounts) => number): Amounts {
  const of = (resource: keyof Amounts) => amount(resource) / 1000;
  return { slots: of('slots'), cpu: of('cpu'), memory_bytes: of('memory_bytes'), gpu: of('gpu') };
}

/** Sums of fractions such as 0.1 drift: what was added and taken away again leaves nothing. */
function thousandths(amount: number): number {
  return Math.round(amount * 1000);
}

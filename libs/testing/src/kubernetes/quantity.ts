import type { Container, Quantities } from './objects';

const suffixes: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** `250m`, `1.5`, `64Mi` as a number of cores, bytes or pieces; what cannot be read is NaN. */
export function parseQuantity(quantity: string | number): number {
  const [, value = '', suffix = ''] = /^([\d.e+-]+?)([a-zA-Z]*)$/.exec(String(quantity)) ?? [];
  return value === '' ? Number.NaN : Number(value) * (suffix === '' ? 1 : (suffixes[suffix] ?? Number.NaN));
}

/** What containers ask for together; a limit without a request is one. */
export function requestsOf(containers: readonly Container[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const { resources = {} } of containers) {
    const asked: Quantities = { ...resources.limits, ...resources.requests };
    for (const [name, quantity] of Object.entries(asked)) total[name] = (total[name] ?? 0) + parseQuantity(quantity);
  }
  return total;
}

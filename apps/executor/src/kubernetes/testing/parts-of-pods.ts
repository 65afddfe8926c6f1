import type { V1Pod } from '@kubernetes/client-node';

export const specOf = (pod: V1Pod) => pod.spec ?? fail('a specification');
export const containerOf = (pod: V1Pod) => specOf(pod).containers[0] ?? fail('a container');
export const variablesOf = (pod: V1Pod) =>
  Object.fromEntries((containerOf(pod).env ?? []).map(({ name, value }) => [name, value]));

function fail(expected: string): never {
  throw new Error(`Expected ${expected}`);
}

/**
 * Whether the tests run against the cluster of `KUBECONFIG`: only where `npm run test:kubernetes` says so. Many who run all specs have
 * one in their environment, and mean nothing by it.
 */
export const isReal = process.env['RYAX_TEST_CLUSTER'] === 'real';
/** Has at least `/bin/sh`. */
export const image = process.env['RYAX_TEST_IMAGE'] ?? 'busybox:1.36';
/** Of the action's container: an image that somebody has put on the nodes is used, whatever its tag. */
export const pulling = isReal ? ({ imagePullPolicy: 'IfNotPresent' } as const) : {};
/** A second of graces and back-offs in the test server; a cluster takes its time. */
export const secondMs = isReal ? 1_000 : 100;
/** How long something may take that a cluster does. */
export const patienceMs = isReal ? 180_000 : 60_000;

/** How long a whole spec may take. */
export const specMs = 3 * patienceMs;

/** For what a cluster cannot be told to do: skipped there, by its name and why. */
export function itWithTestServer(name: string, test: () => Promise<void>, timeoutMs = specMs): void {
  if (isReal) it.skip(`${name} (a real cluster cannot be told to)`, test);
  else it(name, test, timeoutMs);
}

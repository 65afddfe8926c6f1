import type { Cluster } from '../cluster';
import type { Fault, FaultKind } from '../schedule';

/** Makes a fault; answers what ends it, where it does not end by itself. */
export type Inject<K extends FaultKind> = (
  cluster: Cluster,
  fault: Extract<Fault, { kind: K }>,
) => Promise<(() => Promise<void>) | undefined>;

/** There is no way to make this fault, here or now; another is made in its place, and the table says so. */
export class NotPossibleError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotPossibleError';
  }
}

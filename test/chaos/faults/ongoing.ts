import type { Cluster } from '../cluster';
import type { Fault, FaultKind } from '../schedule';

/** Makes a fault; answers what ends it, where it does not end by itself. */
export type Inject<K extends FaultKind> = (
  cluster: Cluster,
  fault: Extract<Fault, { kind: K }>,
) => Promise<(() => Promise<void>) | undefined>;

/** This machine does not let us make this fault: the table says so. */
export class NotPossibleError extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = 'NotPossibleError';
  }
}

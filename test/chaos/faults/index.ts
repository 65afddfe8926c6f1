import type { Cluster } from '../cluster';
import type { Fault } from '../schedule';
import { clockJump } from './clock-jump';
import { diskFull } from './disk-full';
import { kill } from './kill';
import { loseStarts } from './lose-starts';
import { delay, duplicate } from './messages';
import { networkCut } from './network-cut';
import { pause } from './pause';
import { deleteQueue, purge } from './queues';
import { brokerRestart, databaseRestart } from './servers';

export { NotPossibleError } from './ongoing';

/** Makes the fault, once its process runs; answers what ends it, where it does not end by itself. */
export async function inject(cluster: Cluster, fault: Fault): Promise<(() => Promise<void>) | undefined> {
  if ('target' in fault) await cluster.replica(fault.target).waitUntilRunning();
  switch (fault.kind) {
    case 'kill':
      return kill(cluster, fault);
    case 'pause':
      return pause(cluster, fault);
    case 'broker-restart':
      return brokerRestart(cluster, fault);
    case 'purge':
      return purge(cluster, fault);
    case 'delete-queue':
      return deleteQueue(cluster, fault);
    case 'database-restart':
      return databaseRestart(cluster, fault);
    case 'network-cut':
      return networkCut(cluster, fault);
    case 'duplicate':
      return duplicate(cluster, fault);
    case 'lose-starts':
      return loseStarts(cluster, fault);
    case 'delay':
      return delay(cluster, fault);
    case 'disk-full':
      return diskFull(cluster, fault);
    case 'clock-jump':
      return clockJump(cluster, fault);
    default:
      return fault satisfies never;
  }
}

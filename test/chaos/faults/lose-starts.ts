import { queues } from '@ryax/contracts';
import { waitFor } from '@ryax/testing';
import type { Cluster } from '../cluster';
import { NotPossibleError, type Inject } from './ongoing';

/** As long as runners go on sending to an executor that does not beat (RYAX_EXECUTOR_PATIENCE_MS). */
const sentWithinMs = 10_000;

/**
 * What waits for an executor (starts, cancels, questions, what is settled) is in queues exclusive to its connection, which
 * nobody else may purge. So its line falls silent until a start has come there that it did not get, and is then reset: the
 * queues go with the connection, and with all that they hold.
 */
export const loseStarts: Inject<'lose-starts'> = async (cluster, { target }) => {
  const replica = cluster.replica(target);
  const line = replica.line('broker');
  const waiting = () => startsFor(cluster, replica.incarnation());
  const until = (condition: () => Promise<boolean>) =>
    waitFor(condition, { timeoutMs: sentWithinMs, intervalMs: 50 }).catch(() => {
      throw new NotPossibleError('no start was sent to it');
    });
  await until(async () => (await waiting()) !== undefined);
  line.freeze();
  try {
    // What it has taken and could not say so any more is not lost.
    const taken = (await waiting()) ?? 0;
    await until(async () => ((await waiting()) ?? 0) > taken);
  } finally {
    line.cut();
    line.thaw();
  }
  return undefined;
};

/** Undefined while it has no queue: each of its connections has one, named after it and then the connection. */
async function startsFor({ broker }: Cluster, incarnation: string): Promise<number | undefined> {
  const own = (await broker.host.queues()).filter(({ name }) => name.startsWith(queues.starts(incarnation)));
  return own.length === 0 ? undefined : own.reduce((sum, { messages }) => sum + messages, 0);
}

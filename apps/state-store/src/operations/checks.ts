import type { Broker } from '@ryax/broker';
import type { Connection, DatabaseClock, Tail, TailBlocker } from '@ryax/event-log';
import type { Health } from '@ryax/platform';

export interface CheckParts {
  readonly health: Health;
  readonly database: Connection;
  readonly broker: Pick<Broker, 'connected'>;
  readonly tail: Tail;
  readonly clock: Pick<DatabaseClock, 'now'>;
}

/** A transaction that has held up the tail for so long is not just slow. */
const stallMs = 10_000;

/** What keeps the state store from answering or from following the log; the answer removes the checks again. */
export function registerChecks({ health, database, broker, tail, clock }: CheckParts): () => void {
  const removers = [
    health.register('state store: database', async () => {
      await database.query({ name: 'check', text: 'SELECT 1' });
    }),
    health.register('state store: broker', () => {
      if (!broker.connected) throw new Error('Expected a connection to the broker, found none');
    }),
    health.register('state store: tail', async () => {
      const stall = await tail.stalled();
      if (stall === undefined || clock.now() - stall.since < stallMs) return;
      const blockers = stall.blockers.map(describeBlocker).join('; ');
      throw new Error(`The log cannot be followed since ${new Date(stall.since).toISOString()}: ${blockers}`);
    }),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}

function describeBlocker(blocker: TailBlocker): string {
  const since = `since ${new Date(blocker.startedAt).toISOString()}`;
  return blocker.type === 'backend'
    ? `process ${blocker.pid} (${blocker.application}) of database ${blocker.database} has an open transaction ${since}`
    : `transaction ${blocker.gid} of database ${blocker.database} is prepared and not finished ${since}`;
}

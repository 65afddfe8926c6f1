import type { Broker } from '@ryax/broker';
import { queues } from '@ryax/contracts';
import { DatabaseUnavailableError, UnknownCommitError, type EventLog, type MemberBeat } from '@ryax/event-log';
import { NotFoundError, type FileStore } from '@ryax/filestore';

/** What goes wrong with what one runner stands on. */
export interface Faults {
  /** The database does not answer. */
  isAway: boolean;
  /** Calls that found the database away. */
  refusedCalls: number;
  /** So many appends are refused, with nothing written. */
  refusedAppends: number;
  /** So many appends are committed, and their answer is lost. */
  unansweredAppends: number;
  /** Content that is not there. */
  readonly missing: Set<string>;
  /** Content that cannot be read now. */
  readonly unreadable: Set<string>;
  /** Its inbox cannot be consumed. */
  isDeaf: boolean;
  /** Open runs are listed only after this, or when the engine closes. */
  listsAfter: Promise<void>;
  /** Beats that it tried to write. */
  beats: number;
  /** How many of them there were when it first listed the open runs of a partition, as a takeover does; a spec may clear it. */
  readonly listedAtBeat: Map<number, number>;
  /** How far this runner's idea of the database's time is ahead. */
  aheadMs: number;
}

export function noFaults(): Faults {
  return {
    isAway: false,
    refusedCalls: 0,
    refusedAppends: 0,
    unansweredAppends: 0,
    missing: new Set(),
    unreadable: new Set(),
    isDeaf: false,
    listsAfter: Promise.resolve(),
    beats: 0,
    listedAtBeat: new Map(),
    aheadMs: 0,
  };
}

/** Each call asks first whether it is to fail. */
export function faulty<T extends object>(target: T, faults: Faults): T {
  return new Proxy(target, {
    get(on, key) {
      const member: unknown = Reflect.get(on, key);
      if (typeof member !== 'function') return member;
      return async (...values: unknown[]): Promise<unknown> => {
        const isAppend = key === 'append';
        if (key === 'beat' && (values[0] as MemberBeat).kind === 'runner') faults.beats++;
        if (key === 'openHeads') {
          noteListed(values[0] as readonly number[], faults);
          await faults.listsAfter;
        }
        if (faults.isAway) faults.refusedCalls++;
        if (faults.isAway || (isAppend && faults.refusedAppends-- > 0)) throw new DatabaseUnavailableError('away');
        const answer: unknown = await Reflect.apply(member, on, values);
        if (isAppend && faults.unansweredAppends-- > 0) throw new UnknownCommitError(streamsOf(values));
        return answer;
      };
    },
  });
}

function noteListed(partitions: readonly number[], { listedAtBeat, beats }: Faults): void {
  for (const partition of partitions) if (!listedAtBeat.has(partition)) listedAtBeat.set(partition, beats);
}

export function sometimesDeaf(broker: Broker, faults: Faults, partitions: number): Broker {
  const inbox = new Set(
    Array.from({ length: partitions }, (_, partition) => queues.runnerPartition(partitions, partition)),
  );
  return new Proxy(broker, {
    get(on, key) {
      const member: unknown = Reflect.get(on, key);
      if (typeof member !== 'function') return member;
      return (...values: unknown[]): unknown => {
        const isRefused = faults.isDeaf && key === 'consume' && inbox.has(String(values[0]));
        return isRefused ? Promise.reject(new Error('no consumer')) : Reflect.apply(member, on, values);
      };
    },
  });
}

function streamsOf([decisions]: readonly unknown[]): string[] {
  return (decisions as Parameters<EventLog['append']>[0]).flatMap(({ streams }) =>
    streams.map((each) => each.streamId),
  );
}

export function withoutMissing(files: FileStore, { missing, unreadable }: Faults): FileStore {
  return new Proxy(files, {
    get(on, key) {
      const member: unknown = Reflect.get(on, key);
      if (typeof member !== 'function') return member;
      return (...values: unknown[]): unknown => {
        const [hash] = values;
        const isMissing = typeof hash === 'string' && missing.has(hash);
        if (isMissing && key === 'size') return Promise.resolve(undefined);
        if (isMissing && key === 'read') return Promise.reject(new NotFoundError(hash));
        const isUnreadable = typeof hash === 'string' && unreadable.has(hash);
        if (isUnreadable && key === 'read') return Promise.reject(new Error('EIO: i/o error, read'));
        return Reflect.apply(member, on, values);
      };
    },
  });
}

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InMemoryBroker, InMemoryServer, type Broker } from '@ryax/broker';
import {
  exchanges,
  queryReplySchema,
  routingKeys,
  type QueryAnswer,
  type QueryName,
  type QueryParameters,
} from '@ryax/contracts';
import { openEventLog, type OpenEventLog } from '@ryax/event-log';
import { LocalFileStore, type FileStore } from '@ryax/filestore';
import { Clock, Health, IdSource, Log, Metrics } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import { migrateStateStore } from '../database/migrate';
import { StateStore } from '../state-store';
import { WrittenStreams } from './written-streams';

export const silentLog = new Log({ service: 'test', write: () => undefined });

export interface Replica {
  readonly store: StateStore;
  readonly eventLog: OpenEventLog;
  readonly health: Health;
  readonly metrics: Metrics;
  /** As on SIGTERM. */
  stop(): Promise<void>;
}

/** Collects what is warned of, so that a test cannot pass on the second try. */
function watchfulLog(complaints: string[]): Log {
  return new Log({ service: 'test', level: 'warn', write: (line) => void complaints.push(line) });
}

type ListName = { [N in QueryName]: QueryAnswer<N> extends { readonly stale: boolean } ? N : never }[QueryName];

/** As libs/testing makes it. */
interface WorldDatabase {
  readonly name: string;
  readonly url: string;
  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  drop(): Promise<void>;
}

/** A database, a broker and a filestore for one test, replicas of the state store on them, and somebody who asks. */
export interface World {
  readonly database: WorldDatabase;
  readonly eventLog: OpenEventLog;
  readonly server: InMemoryServer;
  readonly broker: Broker;
  readonly files: FileStore;
  readonly streams: WrittenStreams;
  /** Said by a test that breaks something: its replicas may warn of it. */
  expectComplaints(): void;
  startReplica(): Promise<Replica>;
  ask<N extends QueryName>(name: N, parameters: QueryParameters<N>): Promise<QueryAnswer<N>>;
  /** Asks until the list has all that was committed before: a busy machine may need longer for it than a list waits. */
  askFresh<N extends ListName>(name: N, parameters: QueryParameters<N>): Promise<QueryAnswer<N>>;
  end(): Promise<void>;
}

/** Drops the database at its end, and fails if a replica has complained of anything. */
export async function createWorld(database: WorldDatabase): Promise<World> {
  const eventLog = await openEventLog({ url: database.url, applicationName: 'test' }, silentLog, new Clock());
  await migrateStateStore(database.url, silentLog);
  const directory = await mkdtemp(join(tmpdir(), 'ryax-state-store-'));
  const files = await LocalFileStore.open(directory);
  const server = new InMemoryServer();
  const broker = new InMemoryBroker({ server, log: silentLog });
  const replicas = new Set<Replica>();
  const complaints: string[] = [];
  let areExpected = false;
  const startReplica = async () => {
    const replica = await startOne(database.url, server, files, watchfulLog(complaints));
    const stop = async () => {
      if (replicas.delete(running)) await replica.stop();
    };
    const running = { ...replica, stop };
    replicas.add(running);
    return running;
  };
  return {
    database,
    eventLog,
    server,
    broker,
    files,
    streams: new WrittenStreams(eventLog.log),
    expectComplaints: () => {
      areExpected = true;
    },
    startReplica,
    ask: (name, parameters) => ask(broker, name, parameters),
    askFresh: (name, parameters) =>
      waitFor(
        async () => {
          const answer = await ask(broker, name, parameters);
          return !answer.stale && answer;
        },
        { describe: `${name} to have all that was committed` },
      ),
    end: async () => {
      await Promise.all([...replicas].map((replica) => replica.stop()));
      await broker.close();
      await eventLog.close();
      await database.drop();
      await rm(directory, { recursive: true, force: true });
      if (complaints.length > 0 && !areExpected)
        throw new Error(`Expected no complaints, found:\n${complaints.join('\n')}`);
    },
  };
}

async function startOne(url: string, server: InMemoryServer, files: FileStore, log: Log): Promise<Replica> {
  const eventLog = await openEventLog({ url, applicationName: 'test replica' }, log, new Clock());
  const broker = new InMemoryBroker({ server, log });
  const health = new Health();
  const metrics = new Metrics();
  const options = { cacheBytes: 64 * 1024 * 1024, deadLetterBytes: 1024 * 1024, partitions: 16, isRelaying: true };
  const store = new StateStore({
    broker,
    eventLog,
    files,
    options,
    ids: new IdSource(),
    log: silentLog,
    metrics,
    health,
  });
  await store.start();
  const stop = async () => {
    await store.stopTaking();
    await store.close();
    await broker.close();
    await eventLog.close();
  };
  return { store, eventLog, health, metrics, stop };
}

const answerWithinMs = 35_000;

/** As the intake asks; a rejection is thrown by its code and message. */
async function ask<N extends QueryName>(
  broker: Broker,
  name: N,
  parameters: QueryParameters<N>,
): Promise<QueryAnswer<N>> {
  const reply = await broker.request(
    { exchange: exchanges.queries.name, routingKey: routingKeys.queries },
    { id: 'q', type: 'query', source: 'test', project: 'default', data: { name, parameters } },
    answerWithinMs,
  );
  const parsed = queryReplySchema.parse(reply.data);
  if (parsed.status === 'rejected') throw new Error(`${parsed.rejection.code}: ${parsed.rejection.message}`);
  return parsed.result as QueryAnswer<N>;
}

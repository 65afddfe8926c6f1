import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { InMemoryBroker, InMemoryServer, RyaxTransport } from '@ryax/broker';
import {
  exchanges,
  limits,
  queues,
  routingKeys,
  type JsonObject,
  type JsonValue,
  type Message,
  type MessageType,
} from '@ryax/contracts';
import { LocalFileStore, SecretBox, Secrets } from '@ryax/filestore';
import { IdSource, Log, PlatformModule } from '@ryax/platform';
import type { IntakeLimits } from '../intake.config';
import { IntakeModule } from '../intake.module';
import { fastifyOptions, prepareRest } from '../rest';

/** REST and commands by message, in front of a runner and a state store that a test plays. */
export interface IntakeApp {
  readonly app: NestFastifyApplication;
  readonly server: InMemoryServer;
  readonly broker: InMemoryBroker;
  readonly files: LocalFileStore;
  /** What was logged as an error: for a reason of ours. */
  readonly complaints: string[];
  /** What the runner was asked for. */
  readonly commanded: Message[];
  stop(): Promise<void>;
}

export interface PlayedParts {
  readonly limits?: Partial<IntakeLimits>;
  /** What the state store answers, beside what every start asks for. */
  readonly answers?: Readonly<Record<string, Answer>>;
  /** When the runner accepts what it is asked for; at once where this is left out. */
  readonly accept?: () => Promise<void>;
}

/** A function is asked each time, with the question's parameters; undefined is answered as not found. */
type Answer = JsonValue | ((parameters: JsonObject) => JsonValue | undefined);

const notFound = { code: 'not-found', message: 'Expected it to be there, found nothing' };
const accepted = { status: 'accepted', version: 1, position: 1, result: { state: 'running', workflow_version: 1 } };

export async function startIntakeApp(parts: PlayedParts = {}): Promise<IntakeApp> {
  const complaints: string[] = [];
  const commanded: Message[] = [];
  const log = new Log({ service: 'test', level: 'error', write: (line) => void complaints.push(line) });
  const directory = await mkdtemp(join(tmpdir(), 'ryax-intake-'));
  const files = await LocalFileStore.open(directory);
  const secrets = new Secrets(files, await SecretBox.fromText('a key for tests only'));
  const server = new InMemoryServer({ strict: true });
  const broker = new InMemoryBroker({ server, log });
  const options = {
    jwtSecretKey: undefined,
    commandDeadlineMs: 20_000,
    queryDeadlineMs: 5_000,
    limits: { ...limits, ...parts.limits },
  };
  const imports = [
    PlatformModule.forRoot({ service: 'test', log }),
    IntakeModule.forRoot({ broker, files, secrets, options }),
  ];
  const testing = await Test.createTestingModule({ imports }).compile();
  const app = testing.createNestApplication<NestFastifyApplication>(new FastifyAdapter(fastifyOptions), {
    logger: false,
  });
  prepareRest(app);
  const transport = new RyaxTransport(broker, log);
  app.connectMicroservice({ strategy: transport });
  await app.init();
  await app.startAllMicroservices();
  const { hash } = await files.put(JSON.stringify({ definition: { spec: {} }, actions: {} }));
  const answers: Readonly<Record<string, Answer>> = {
    'engine.settings': { partitions: 1 },
    'project.load': { open_runs: 0 },
    'workflow.current': { version: 1, definition_hash: hash, deployed: true, head: 1 },
    'action.resolve': { actions: {}, known: [] },
    ...parts.answers,
  };
  const query = { exchange: exchanges.queries.name, routingKey: routingKeys.queries };
  await play(broker, queues.queries, query, 'query.reply', ({ data }) => {
    const { name, parameters } = data as { name: string; parameters: JsonObject };
    const answer = answers[name];
    const result = typeof answer === 'function' ? answer(parameters) : answer;
    return Promise.resolve(
      result === undefined ? { status: 'rejected', rejection: notFound } : { status: 'answered', result },
    );
  });
  const inbox = { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(0) };
  await play(broker, queues.runnerPartition(1, 0), inbox, 'command.reply', async (message) => {
    commanded.push(message);
    await parts.accept?.();
    return accepted;
  });
  const stop = async () => {
    await app.close();
    await broker.close();
    await rm(directory, { recursive: true });
  };
  return { app, server, broker, files, complaints, commanded, stop };
}

async function play(
  broker: InMemoryBroker,
  name: string,
  target: { readonly exchange: 'ryax.queries' | 'ryax.runner'; readonly routingKey: string },
  type: MessageType,
  say: (message: Message) => Promise<JsonValue>,
): Promise<void> {
  const ids = new IdSource();
  await broker.declare([{ name, kind: 'questions', bindings: [target] }]);
  await broker.consume(name, { prefetch: 10_000, maxBatch: 10_000 }, (batch) => {
    for (const delivery of batch) {
      void say(delivery.message).then((data) => {
        delivery.reply({ id: ids.newId(), type, source: 'test', project: 'default', data });
        delivery.ack();
      });
    }
    return Promise.resolve();
  });
}

import { Controller, Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import type { Message } from '@ryax/contracts';
import { Log, PlatformModule, Shutdown } from '@ryax/platform';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { useTestBroker } from '@ryax/testing';
import type { Broker, Delivery } from '../broker';
import { message, plenty, positionOf, publishEach, queueOf, Recorder } from '../conformance/subject';
import { HandlerUnavailableError } from '../errors';
import { BROKER, BrokerModule } from './broker.module';
import { AnswersQuestions, ConsumesBatches, QueueSubscription } from './queue-handlers';
import { RyaxTransport } from './ryax-transport';

const events = queueOf('work');
const questions = queueOf('questions');
const eventSubscription = new QueueSubscription(events.queue, { ...plenty, maxTries: 2 });

@Controller()
class Handlers {
  static readonly recorder = new Recorder();
  static outage = 0;

  @ConsumesBatches(eventSubscription)
  async take(batch: readonly Delivery[]): Promise<void> {
    if (Handlers.outage-- > 0) throw new HandlerUnavailableError('the database');
    if (batch.some((delivery) => positionOf(delivery.message) === 13)) throw new Error('unlucky');
    await Handlers.recorder.handler(batch);
  }

  @AnswersQuestions(new QueueSubscription(questions.queue, plenty))
  double(question: Message): Promise<Message> {
    return Promise.resolve(message(positionOf(question) * 2));
  }
}

@Controller()
class SecondHandler {
  @ConsumesBatches(eventSubscription)
  take(_batch: readonly Delivery[]): void {}
}

@Module({})
class TestModule {}

describe(RyaxTransport.name, () => {
  const host = useTestBroker();
  const log = new Log({ service: 'test', write: () => undefined });
  let app: INestApplicationContext | undefined;
  afterEach(async () => {
    const shutdown = app?.get(Shutdown);
    await app?.close();
    await shutdown?.run('the test is over');
  });

  async function start(url: string, controllers: NonNullable<DynamicModule['controllers']>): Promise<Broker> {
    const imports = [PlatformModule.forRoot({ service: 'test', log }), BrokerModule.forRoot({ url, name: 'test' })];
    const testing = await Test.createTestingModule({
      imports: [{ module: TestModule, imports, controllers }],
    }).compile();
    const created = testing.createNestApplication(new FastifyAdapter(), { logger: false });
    app = created;
    const broker = created.get<Broker>(BROKER);
    created.connectMicroservice({ strategy: new RyaxTransport(broker, log) });
    await created.startAllMicroservices();
    return broker;
  }

  describe.each(['memory', 'amqp'] as const)('over %s', (kind) => {
    const url = () => (kind === 'memory' ? 'memory://' : host.url);

    it('hands batches to the method of their queue', async () => {
      const broker = await start(url(), [Handlers]);
      const before = Handlers.recorder.deliveries.length;

      await publishEach(broker, events.target, [1, 2, 3]);
      await Handlers.recorder.received(before + 3);

      expect(Handlers.recorder.positions.slice(before)).toEqual([1, 2, 3]);
    });

    it('lets the broker try again what a method throws at, and wait while it cannot work', async () => {
      const broker = await start(url(), [Handlers]);
      const before = Handlers.recorder.deliveries.length;
      Handlers.outage = 3;

      await publishEach(broker, events.target, [13, 14]);
      await Handlers.recorder.received(before + 1);

      expect(Handlers.recorder.positions.slice(before)).toEqual([14]);
    });

    it('answers with what the method returns', async () => {
      const broker = await start(url(), [Handlers]);

      expect(positionOf(await broker.request(questions.target, message(21), 5_000))).toBe(42);
    });
  });

  it('refuses two handlers for one queue when the application starts', async () => {
    await expect(start('memory://', [Handlers, SecondHandler])).rejects.toThrow(
      `Expected one handler for queue ${events.queue.name}, found a second`,
    );
  });
});

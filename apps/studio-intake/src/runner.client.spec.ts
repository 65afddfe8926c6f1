import { InMemoryBroker, InMemoryServer, type Delivery } from '@ryax/broker';
import {
  exchanges,
  limits,
  queues,
  routingKeys,
  type ExchangeName,
  type JsonValue,
  type MessageType,
} from '@ryax/contracts';
import { Clock, IdSource, Log } from '@ryax/platform';
import { RunnerClient } from './runner.client';
import { StateStoreClient } from './state-store.client';

const cancelled = { status: 'accepted', version: 2, position: 2, result: {} };

describe('RunnerClient', () => {
  const log = new Log({ service: 'test', write: () => undefined });
  const options = { jwtSecretKey: undefined, commandDeadlineMs: 20_000, queryDeadlineMs: 10_000, limits };
  const ids = new IdSource();
  let broker: InMemoryBroker;
  let runner: RunnerClient;

  beforeEach(() => {
    broker = new InMemoryBroker({ server: new InMemoryServer(), log });
    runner = new RunnerClient(broker, options, new Clock(), ids, log, new StateStoreClient(broker, options, ids));
  });
  afterEach(() => broker.close());

  /** Answers whatever comes to a queue; answers what has come. */
  async function givenAnswers(
    name: string,
    target: { readonly exchange: ExchangeName; readonly routingKey: string },
    type: MessageType,
    answer: () => JsonValue,
  ): Promise<readonly Delivery[]> {
    const received: Delivery[] = [];
    await broker.declare([{ name, kind: 'questions', bindings: [target] }]);
    await broker.consume(name, { prefetch: 1_000, maxBatch: 1_000 }, (batch) => {
      for (const delivery of batch) {
        received.push(delivery);
        delivery.reply({ id: ids.newId(), type, source: 'test', project: 'default', data: answer() });
        delivery.ack();
      }
      return Promise.resolve();
    });
    return received;
  }

  function givenSettings(answer: () => JsonValue) {
    const target = { exchange: exchanges.queries.name, routingKey: routingKeys.queries };
    return givenAnswers(queues.queries, target, 'query.reply', answer);
  }

  function givenRunner() {
    const target = { exchange: exchanges.runner.name, routingKey: routingKeys.runnerPartition(0) };
    return givenAnswers(queues.runnerPartition(1, 0), target, 'command.reply', () => cancelled);
  }

  function cancelMany(count: number) {
    return Promise.all(
      Array.from({ length: count }, (_each, index) =>
        runner.command(
          'run.cancel',
          { kind: 'run', project: 'default', id: `r${index}` },
          { run_id: `r${index}`, reason: 'enough', force: false, requested_by: null },
        ),
      ),
    );
  }

  it('asks once for the number of partitions, however many commands wait for it', async () => {
    const asked = await givenSettings(() => ({ status: 'answered', result: { partitions: 1 } }));
    const commands = await givenRunner();

    await cancelMany(50);

    expect([asked.length, commands.length]).toEqual([1, 50]);
  });

  it('asks for it again when it could not be told', async () => {
    const rejection = { code: 'unavailable', message: 'not now' };
    const answers: JsonValue[] = [{ status: 'rejected', rejection }];
    const asked = await givenSettings(() => answers.shift() ?? { status: 'answered', result: { partitions: 1 } });
    await givenRunner();

    await cancelMany(1);

    expect(asked).toHaveLength(2);
  });

  it('has more patience while many commands wait for their answers, and no more than before once they have them', async () => {
    await givenSettings(() => ({ status: 'answered', result: { partitions: 1 } }));
    await givenRunner();
    const request = jest.spyOn(broker, 'request');
    const patience = () =>
      request.mock.calls
        .filter(([{ exchange }]) => exchange === exchanges.runner.name)
        .map(([, , timeoutMs]) => timeoutMs);

    await cancelMany(400);
    await cancelMany(1);

    expect([patience()[0], patience()[399], patience()[400]]).toEqual([2_995, 2_995, 1_000]);
  });
});

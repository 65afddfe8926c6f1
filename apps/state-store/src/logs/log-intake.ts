import { HandlerUnavailableError, type Broker, type Delivery, type Subscription } from '@ryax/broker';
import { exchanges, queues, type LogChunk, type Message } from '@ryax/contracts';
import { DatabaseUnavailableError, type Database } from '@ryax/event-log';
import { storeChunks } from './log-chunks';

const logTopic = { exchange: exchanges.logs.name, routingKey: 'log.#' };
const bounds = { prefetch: 200, maxBatch: 500 };

/** Stores the output of attempts as it comes; a message is acknowledged once it is committed. */
export class LogIntake {
  private subscription: Subscription | undefined;

  constructor(
    private readonly broker: Broker,
    private readonly database: Database,
    private readonly onStored: (bytes: number) => void,
  ) {}

  async start(): Promise<void> {
    await this.broker.declare([{ name: queues.logs, kind: 'work', bindings: [logTopic] }]);
    this.subscription = await this.broker.consume(queues.logs, bounds, (batch) => this.store(batch));
  }

  async stop(): Promise<void> {
    await this.subscription?.stop();
  }

  private async store(batch: readonly Delivery[]): Promise<void> {
    const chunks = batch.filter(hasChunk);
    for (const delivery of batch) {
      if (!hasChunk(delivery)) delivery.park(`Expected execution.log, found ${delivery.message.type}`);
    }
    if (chunks.length === 0) return;
    try {
      await storeChunks(
        this.database,
        chunks.map(({ message }) => message.data),
      );
    } catch (error) {
      // No message is to blame for a database that is away.
      if (error instanceof DatabaseUnavailableError)
        throw new HandlerUnavailableError('the database', { cause: error });
      throw error;
    }
    for (const delivery of chunks) delivery.ack();
    this.onStored(chunks.reduce((sum, { message }) => sum + message.data.bytes, 0));
  }
}

type ChunkDelivery = Delivery & { readonly message: Message<LogChunk> };

/** The broker's border has checked the data against its type's schema. */
function hasChunk(delivery: Delivery): delivery is ChunkDelivery {
  return delivery.message.type === 'execution.log';
}

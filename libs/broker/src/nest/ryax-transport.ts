import type { Message } from '@ryax/contracts';
import { messageOf, type Log } from '@ryax/platform';
import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import { isObservable, lastValueFrom } from 'rxjs';
import type { BatchHandler, Broker, Delivery, Subscription } from '../broker';
import { HandlerUnavailableError } from '../errors';
import { QueueSubscription } from './queue-handlers';

/** A method as Nest hands it over, with its pipes, guards and filters around it. */
type Handler = MessageHandler<unknown, unknown, Message | undefined>;

interface QueueHandler {
  readonly subscription: QueueSubscription;
  readonly handle: BatchHandler;
}

/**
 * Nest's seam to our broker: `app.connectMicroservice({ strategy: new RyaxTransport(broker, log) })` binds the methods
 * marked with `@ConsumesBatches` and `@AnswersQuestions`. Queues that come and go at run time (partitions) are
 * subscribed to directly at the broker. The broker is closed by its owner.
 */
export class RyaxTransport extends Server implements CustomTransportStrategy {
  /** A failing handler must reach the broker, which tries again or parks. */
  override readonly propagatesEventHandlerErrors = true;
  private readonly handlers = new Map<string, QueueHandler>();
  private subscriptions: Subscription[] = [];

  constructor(
    private readonly broker: Broker,
    private readonly log: Log,
  ) {
    super();
  }

  /** Called by Nest for each handler while the application starts; two for one queue would each miss half of it. */
  override addHandler(pattern: unknown, callback: Handler, isEventHandler = false): void {
    if (!(pattern instanceof QueueSubscription)) {
      throw new Error(`Expected a QueueSubscription as pattern, found ${JSON.stringify(pattern)}`);
    }
    const { name } = pattern.queue;
    if (this.handlers.has(name)) throw new Error(`Expected one handler for queue ${name}, found a second`);
    const handle = isEventHandler ? batchHandler(callback) : questionHandler(callback, this.log);
    this.handlers.set(name, { subscription: pattern, handle });
  }

  listen(callback: (error?: unknown) => void): void {
    this.subscribe().then(() => callback(), callback);
  }

  /** Stops taking, and waits for what is in hand. */
  async close(): Promise<void> {
    await Promise.all(this.subscriptions.splice(0).map((subscription) => subscription.stop()));
  }

  on(event: string): never {
    throw new Error(`Expected nobody to listen for ${event}: connection events are the broker's onConnected`);
  }

  unwrap(): never {
    throw new Error('Expected nobody to unwrap the transport: the broker is injected as BROKER');
  }

  private async subscribe(): Promise<void> {
    const handlers = [...this.handlers.values()];
    await this.broker.declare(handlers.map(({ subscription }) => subscription.queue));
    for (const { subscription, handle } of handlers) {
      const { queue, options } = subscription;
      this.subscriptions.push(await this.broker.consume(queue.name, options, handle));
    }
  }
}

function batchHandler(callback: Handler): BatchHandler {
  return async (batch) => {
    await outcomeOf(callback, batch, undefined);
  };
}

function questionHandler(callback: Handler, log: Log): BatchHandler {
  return (batch) => {
    for (const delivery of batch) void answer(callback, delivery, log);
    return Promise.resolve();
  };
}

/** Never rejects. */
async function answer(callback: Handler, delivery: Delivery, log: Log): Promise<void> {
  try {
    const reply = await outcomeOf(callback, delivery.message, delivery);
    if (reply !== undefined) delivery.reply(reply);
    delivery.ack();
  } catch (error) {
    const reason = messageOf(error);
    if (error instanceof HandlerUnavailableError) {
      delivery.defer(reason);
    } else {
      log.warn('A question could not be answered', { id: delivery.message.id, error });
      delivery.retry(reason);
    }
  }
}

/** Nest answers with a value, or with an observable when a filter or an interceptor has a part in it. */
async function outcomeOf(callback: Handler, data: unknown, context: unknown): Promise<Message | undefined> {
  const result = await callback(data, context);
  return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
}

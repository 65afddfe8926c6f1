import { Inject, Injectable } from '@nestjs/common';
import type { Broker } from '@ryax/broker';
import {
  commandReplySchema,
  exchanges,
  partitionOf,
  routingKeys,
  streamId,
  type CommandReply,
  type DataOf,
  type Message,
  type StreamKind,
} from '@ryax/contracts';
import { Clock, IdSource, Log, wait } from '@ryax/platform';
import { RejectedError, UnavailableError } from './errors';
import type { IntakeOptions } from './intake.config';
import { StateStoreClient } from './state-store.client';
import { BROKER, INTAKE_OPTIONS } from './tokens';

type RunnerCommand =
  'run.start' | 'run.start-current' | 'run.cancel' | 'workflow.deploy' | 'workflow.undeploy' | 'action.publish';

/** First patience for an answer; doubled with each repeat, so that a slow engine is not flooded. */
const firstPatienceMs = 1_000;
/** More of it for each command that waits, as those of a batch do: repeats would only lengthen the line. */
const patienceInLineMs = 5;
/** An answer that is lost must be noticed well before the deadline, however long the line. */
const mostPatienceInLineMs = 5_000;
const pauseMs = 100;

export type Accepted = Extract<CommandReply, { status: 'accepted' }>;

/**
 * Asks the runner. Accepted means appended: an answer comes only after the event is in the log. Without one the same
 * message is sent again until the deadline; repeats meet on one stream, whichever runner gets them.
 */
@Injectable()
export class RunnerClient {
  private partitions: Promise<number> | undefined;
  private waiting = 0;

  constructor(
    @Inject(BROKER) private readonly broker: Broker,
    @Inject(INTAKE_OPTIONS) private readonly options: IntakeOptions,
    private readonly clock: Clock,
    private readonly ids: IdSource,
    private readonly log: Log,
    private readonly stateStore: StateStoreClient,
  ) {}

  /**
   * @param facts told to the caller when no answer came, so that it can ask what became of the command
   * @throws RejectedError when the runner refuses
   * @throws UnavailableError when nobody answered in time
   */
  async command<T extends RunnerCommand>(
    type: T,
    stream: { readonly kind: StreamKind; readonly project: string; readonly id: string },
    data: DataOf<T>,
    facts: Readonly<Record<string, string | number>> = {},
  ): Promise<Accepted> {
    const subject = streamId(stream.kind, stream.project, stream.id);
    const message: Message = {
      id: this.ids.newId(),
      type,
      source: 'studio-intake',
      project: stream.project,
      subject,
      data,
    };
    const reply = await this.waitInLine(() => this.ask(message, facts));
    if (reply.status === 'rejected') throw new RejectedError(reply.rejection);
    return reply;
  }

  private async waitInLine<T>(ask: () => Promise<T>): Promise<T> {
    this.waiting++;
    try {
      return await ask();
    } finally {
      this.waiting--;
    }
  }

  private async ask(message: Message, facts: UnavailableError['facts']): Promise<CommandReply> {
    const deadline = this.clock.monotonicMs() + this.options.commandDeadlineMs;
    for (let patience = firstPatienceMs; ; patience *= 2) {
      const left = deadline - this.clock.monotonicMs();
      if (left <= 0)
        throw new UnavailableError('The engine did not answer in time; ask again with the same key', facts);
      try {
        const partitions = await this.partitionCount();
        const routingKey = routingKeys.runnerPartition(partitionOf(message.subject ?? '', partitions));
        const target = { exchange: exchanges.runner.name, routingKey };
        // Everybody who asks in this turn is in line by now.
        const inLine = Math.min((this.waiting - 1) * patienceInLineMs, mostPatienceInLineMs);
        const reply = await this.broker.request(target, message, Math.min(patience + inLine, left));
        return commandReplySchema.parse(reply.data);
      } catch (error) {
        this.log.warn('A command was not answered; it is sent again', {
          message_id: message.id,
          message_type: message.type,
          error,
        });
        await wait(Math.min(pauseMs, Math.max(0, deadline - this.clock.monotonicMs())));
      }
    }
  }

  /** Fixed for the life of a database, so it is asked for once, however many commands wait for it. */
  private partitionCount(): Promise<number> {
    this.partitions ??= this.askForPartitions();
    return this.partitions;
  }

  private async askForPartitions(): Promise<number> {
    try {
      return (await this.stateStore.query('engine.settings', { project: 'default' })).partitions;
    } catch (error) {
      this.partitions = undefined;
      throw error;
    }
  }
}

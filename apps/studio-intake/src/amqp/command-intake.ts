import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConsumesBatches, QueueSubscription, type Broker, type Delivery } from '@ryax/broker';
import {
  exchanges,
  queues,
  type CommandReply,
  type DataOf,
  type JsonObject,
  type Message,
  type MessageType,
  type Rejection,
} from '@ryax/contracts';
import { backoffMs, IdSource, Log, messageOf, runOwned, wait, type Backoff } from '@ryax/platform';
import type { Principal } from '../auth.guard';
import { IntakeError, OverloadedError, RejectedError, UnavailableError } from '../errors';
import { keyOfMessage } from '../identity';
import { readAs, runBody } from '../runs/run-request';
import { Runs } from '../runs/runs.service';
import { BROKER } from '../tokens';
import { Workflows } from '../workflows/workflows.service';

const prefetch = 200;

const commands = new QueueSubscription(
  {
    name: queues.intakeCommands,
    kind: 'work',
    bindings: [{ exchange: exchanges.commands.name, routingKey: '#' }],
  },
  { prefetch, maxBatch: prefetch },
);

/** Commands without an asker for which there was no room. */
const waiting = new QueueSubscription(
  { name: queues.intakeWaiting, kind: 'work', bindings: [] },
  { prefetch, maxBatch: prefetch },
);

/** Between two rounds in which something found no room: runs end all the time, but a round costs a publish for each that waits. */
const roundBackoff: Backoff = { initialMs: 100, maxMs: 500 };

/**
 * What other services ask for by message on `ryax.commands`: the same commands as by REST, answered with `command.reply`
 * where a reply is asked for. Whoever may publish there may ask for everything: the broker's permissions are the guard.
 *
 * | A command | is then |
 * |---|---|
 * | cannot be carried out | answered, or parked where nobody waits |
 * | finds no room (a limit is reached) | answered with the limit; where nobody waits set aside in `ryax.intake.waiting` |
 * | gets no answer from runner or state store | tried again after a pause of the whole subscription |
 *
 * So what has no room holds up nothing: a cancel, which may be all that makes room again, is read behind any number of starts.
 */
@Controller()
export class CommandIntake {
  /** Since something that waited has found room. */
  private roundsInVain = 0;

  constructor(
    private readonly workflows: Workflows,
    private readonly runs: Runs,
    @Inject(BROKER) private readonly broker: Broker,
    private readonly ids: IdSource,
    private readonly log: Log,
  ) {}

  /** The next batch does not wait for the slowest of this one: no more than the prefetch is in hand anyway. */
  @ConsumesBatches(commands)
  receiveAll(@Payload() batch: readonly Delivery[]): void {
    for (const delivery of batch)
      runOwned(this.log, 'command by message', async () => {
        await this.receive(delivery);
      });
  }

  /** In rounds: what still finds no room goes to the end, so that one project's commands do not hold up another's. */
  @ConsumesBatches(waiting)
  async takeWaiting(@Payload() batch: readonly Delivery[]): Promise<void> {
    const outcomes = await Promise.all(batch.map((delivery) => this.receive(delivery)));
    const still = outcomes.filter((outcome) => outcome === 'set aside').length;
    this.roundsInVain = still === batch.length ? this.roundsInVain + 1 : 0;
    if (still > 0) await wait(backoffMs(this.roundsInVain, roundBackoff));
  }

  private async receive(delivery: Delivery): Promise<'settled' | 'set aside'> {
    const { message } = delivery;
    try {
      const result = await this.carryOut(message);
      this.answer(delivery, { status: 'accepted', version: 0, position: null, result });
      delivery.ack();
    } catch (error) {
      if (error instanceof OverloadedError && delivery.replyTo === undefined) return this.setAside(delivery, error);
      if (error instanceof UnavailableError) {
        delivery.defer(error.message);
      } else if (error instanceof IntakeError) {
        this.answer(delivery, { status: 'rejected', rejection: rejectionOf(error) });
        this.refuse(delivery, error);
      } else {
        this.log.error('A command could not be handled', { message_id: message.id, message_type: message.type, error });
        delivery.retry(messageOf(error));
      }
    }
    return 'settled';
  }

  /** Confirmed there before it is acknowledged here. A crash in between doubles it, which its key makes harmless. */
  private async setAside(delivery: Delivery, reason: OverloadedError): Promise<'settled' | 'set aside'> {
    try {
      await this.broker.publish({ exchange: '', routingKey: queues.intakeWaiting }, [delivery.message]);
      delivery.ack();
      return 'set aside';
    } catch (error) {
      delivery.defer(`${reason.message}; it could not be set aside: ${messageOf(error)}`);
      return 'settled';
    }
  }

  /** Who waits for an answer has it; what nobody waits for is kept with the reason. */
  private refuse(delivery: Delivery, error: IntakeError): void {
    if (delivery.replyTo !== undefined) return delivery.ack();
    delivery.park(`${error.message}${error.details.map(({ path, reason }) => `; ${path}: ${reason}`).join('')}`);
  }

  private async carryOut(message: Message): Promise<JsonObject> {
    const caller: Principal = { subject: message.source, project: message.project };
    if (isType(message, 'command.workflow.deploy')) return this.workflows.deploy(caller, message.data.definition);
    if (isType(message, 'command.workflow.undeploy')) {
      await this.workflows.undeploy(caller, message.data.workflow_id);
      return { workflow_id: message.data.workflow_id };
    }
    if (isType(message, 'command.run.start')) return this.startRun(caller, message);
    if (isType(message, 'command.run.cancel')) {
      const { run_id: runId, reason = 'cancelled by request', force = false } = message.data;
      return this.runs.cancel(caller, runId, reason, force);
    }
    throw new RejectedError({
      code: 'invalid',
      message: `Expected a command, found a message of type ${message.type}`,
    });
  }

  private async startRun(caller: Principal, message: Message<DataOf<'command.run.start'>>): Promise<JsonObject> {
    const { workflow_id: workflowId, idempotency_key: key, ...body } = message.data;
    // What its schema says is less than what REST asks for.
    const { inputs, labels } = readAs(runBody, body);
    const run = await this.runs.start(caller, workflowId, { inputs, labels, key: key ?? keyOfMessage(message) });
    return { run_id: run.runId, workflow_id: run.workflowId, workflow_version: run.workflowVersion, state: run.state };
  }

  private answer(delivery: Delivery, data: CommandReply): void {
    if (delivery.replyTo === undefined) return;
    const { project } = delivery.message;
    delivery.reply({ id: this.ids.newId(), type: 'command.reply', source: 'studio-intake', project, data });
  }
}

function rejectionOf(error: IntakeError): Rejection {
  // The codes of replies are closed: where there is no room now it is `unavailable`, and its detail names the limit.
  const details =
    error instanceof OverloadedError
      ? [{ path: `limits.${error.limit}`, reason: `expected at most ${error.value} at once` }]
      : [...error.details];
  return { code: rejectionCodeOf(error), message: error.message, details };
}

function rejectionCodeOf(error: IntakeError): Rejection['code'] {
  if (error instanceof RejectedError) return error.code;
  if (error instanceof OverloadedError) return 'unavailable';
  return error.code === 'not-found' || error.code === 'too-large' ? error.code : 'invalid';
}

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}

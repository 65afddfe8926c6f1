import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { ConsumesBatches, QueueSubscription, type Delivery } from '@ryax/broker';
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
import { IdSource, Log } from '@ryax/platform';
import type { Principal } from '../auth.guard';
import { IntakeError, OverloadedError, RejectedError, UnavailableError } from '../errors';
import { Runs } from '../runs/runs.service';
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

/**
 * What other services ask for by message on `ryax.commands`: the same commands as by REST, answered with `command.reply`
 * where a reply is asked for. Whoever may publish there may ask for everything: the broker's permissions are the guard.
 */
@Controller()
export class CommandIntake {
  constructor(
    private readonly workflows: Workflows,
    private readonly runs: Runs,
    private readonly ids: IdSource,
    private readonly log: Log,
  ) {}

  @ConsumesBatches(commands)
  async receiveAll(@Payload() batch: readonly Delivery[]): Promise<void> {
    await Promise.all(batch.map((delivery) => this.receive(delivery)));
  }

  private async receive(delivery: Delivery): Promise<void> {
    const { message } = delivery;
    try {
      const result = await this.carryOut(message);
      this.answer(delivery, { status: 'accepted', version: 0, position: null, result });
      delivery.ack();
    } catch (error) {
      if (error instanceof UnavailableError || error instanceof OverloadedError) {
        delivery.defer(error.message);
      } else if (error instanceof IntakeError) {
        this.answer(delivery, { status: 'rejected', rejection: rejectionOf(error) });
        this.refuse(delivery, error);
      } else {
        this.log.error('A command could not be handled', { message_id: message.id, message_type: message.type, error });
        delivery.retry(error instanceof Error ? error.message : String(error));
      }
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
    const { workflow_id: workflowId, inputs = {}, labels = {}, idempotency_key: key } = message.data;
    const run = await this.runs.start(caller, workflowId, {
      inputs,
      labels,
      key: key ?? `${message.source}/${message.id}`,
    });
    return { run_id: run.runId, workflow_id: run.workflowId, workflow_version: run.workflowVersion, state: run.state };
  }

  private answer(delivery: Delivery, data: CommandReply): void {
    if (delivery.replyTo === undefined) return;
    const { project } = delivery.message;
    delivery.reply({ id: this.ids.newId(), type: 'command.reply', source: 'studio-intake', project, data });
  }
}

function rejectionOf(error: IntakeError): Rejection {
  const code = error instanceof RejectedError ? error.code : error.code === 'not-found' ? 'not-found' : 'invalid';
  return { code, message: error.message, details: [...error.details] };
}

function isType<T extends MessageType>(message: Message, type: T): message is Message<DataOf<T>> {
  return message.type === type;
}

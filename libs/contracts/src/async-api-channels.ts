import type { MessageType } from './envelope';
import { exchanges, queues, routingKeys, type ExchangeName } from './routing';

/**
 * Where messages flow, as the documents in docs/ tell it. `address` is the routing key, with its parts that vary in
 * braces; it is made by the same functions that services use.
 */
export interface ChannelDescription {
  readonly exchange: ExchangeName | '';
  readonly address: string | null;
  /** Written by outsiders for us, by us for outsiders, or between our own services only. */
  readonly audience: 'inward' | 'outward' | 'internal';
  readonly summary: string;
  readonly readBy: string;
  /** What happens when it cannot be delivered or handled at once. */
  readonly promise: string;
  readonly messages: readonly MessageType[];
}

const durable = 'Durable; confirmed, acknowledged after its effect, parked in `ryax.dead` when it cannot be handled.';
const repeated = 'Transient: what is lost is derived from the log and sent again.';

export const channels = {
  commands: {
    exchange: exchanges.commands.name,
    address: '{command}',
    audience: 'inward',
    summary: 'What outsiders ask for. Any routing key; answered with `command.reply` where a reply is asked for.',
    readBy: `studio-intake, queue \`${queues.intakeCommands}\``,
    promise: durable,
    messages: ['command.workflow.deploy', 'command.workflow.undeploy', 'command.run.start', 'command.run.cancel'],
  },
  events: {
    exchange: exchanges.events.name,
    address: routingKeys.event('{project}', '{subject}', '{fact}'),
    audience: 'outward',
    summary: 'Every committed event, in order along its stream: `default.run.succeeded`, `default.execution.failed`, …',
    readBy: 'other services, from queues of their own',
    promise: 'At least once: a repeat has the same id. Dedupe and order by `stream` and `version`.',
    messages: ['event'],
  },
  runner: {
    exchange: exchanges.runner.name,
    address: 'p{partition}',
    audience: 'internal',
    summary: 'The runner’s inbox: one partition for each stream, so that the messages of one run stay in order.',
    readBy: 'the runner that owns the partition, queue `ryax.runner.{partitions}.{partition}`',
    promise: durable,
    messages: [
      'run.start',
      'run.start-current',
      'run.cancel',
      'workflow.deploy',
      'workflow.undeploy',
      'action.publish',
      'execution.report',
      'execution.answer',
    ],
  },
  starts: {
    exchange: exchanges.executions.name,
    address: routingKeys.start('{incarnation}'),
    audience: 'internal',
    summary: 'Attempts to the executor that a runner has chosen; `time` says since when they are meant.',
    readBy: 'that executor, from its own queue',
    promise: repeated,
    messages: ['execution.start'],
  },
  cancels: {
    exchange: exchanges.executions.name,
    address: routingKeys.cancel('{site}'),
    audience: 'internal',
    summary: 'Stop these attempts.',
    readBy: 'every executor of the site, each from its own queue',
    promise: repeated,
    messages: ['execution.cancel'],
  },
  holders: {
    exchange: exchanges.executions.name,
    address: routingKeys.query('{site}'),
    audience: 'internal',
    summary: 'Who has these attempts?',
    readBy: 'every executor of the site, each from its own queue',
    promise: repeated,
    messages: ['execution.query'],
  },
  executor: {
    exchange: exchanges.executions.name,
    address: routingKeys.executor('{incarnation}'),
    audience: 'internal',
    summary:
      'To one executor: the answer to its beat, outcomes that are in the log and may be forgotten, and whether it still has what it holds.',
    readBy: 'that executor, from its own queue',
    promise: repeated,
    messages: ['executor.beat-answer', 'execution.settled', 'execution.query'],
  },
  prewarms: {
    exchange: exchanges.executions.name,
    address: routingKeys.prewarm('{incarnation}'),
    audience: 'internal',
    summary: 'Handlers of a workflow that was just deployed, to the executor that its first run would be sent to.',
    readBy: 'that executor, from its own queue, if it keeps warm pods',
    promise: 'Transient: advice, said once; what is lost costs the first run the start of a pod.',
    messages: ['executor.prewarm'],
  },
  beats: {
    exchange: exchanges.executions.name,
    address: routingKeys.beat,
    audience: 'internal',
    summary:
      'Who is alive, each second, and before it what kind of executor it is and what its pools are like. Runners also hear their own.',
    readBy: 'every runner, each from its own queue',
    promise: 'Transient: the next one comes in a second.',
    messages: ['executor.traits', 'executor.pools', 'executor.beat', 'runner.beat'],
  },
  logs: {
    exchange: exchanges.logs.name,
    address: routingKeys.log('{project}'),
    audience: 'internal',
    summary: 'Output of executions, in chunks.',
    readBy: `the state store, queue \`${queues.logs}\``,
    promise: durable,
    messages: ['execution.log'],
  },
  questions: {
    exchange: exchanges.queries.name,
    address: routingKeys.queries,
    audience: 'internal',
    summary: 'Questions to the state store, by name.',
    readBy: `the state store, queue \`${queues.queries}\``,
    promise: 'Transient; expires when its asker has given up.',
    messages: ['query'],
  },
  replies: {
    exchange: '',
    address: null,
    audience: 'outward',
    summary: 'Answers, to the address and with the correlation id of the question.',
    readBy: 'whoever asked',
    promise: 'Transient and unconfirmed: who hears nothing asks again.',
    messages: ['command.reply', 'query.reply'],
  },
  wakes: {
    exchange: exchanges.wakes.name,
    address: '',
    audience: 'internal',
    summary: 'The log has grown up to this position.',
    readBy: 'whoever tails the log, from a queue of its own',
    promise: 'Transient: a hint, the tail also looks by itself.',
    messages: ['log.wake'],
  },
} as const satisfies Record<string, ChannelDescription>;

export type ChannelName = keyof typeof channels;

/** By name, for walking. */
export const channelList: readonly (readonly [string, ChannelDescription])[] = Object.entries(channels);

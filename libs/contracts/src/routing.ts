/** Exchanges, queues and routing keys: the only place where their names are made. */
export const exchanges = {
  /** What outsiders ask for. */
  commands: { name: 'ryax.commands', type: 'topic' },
  /** Partitions of the runner's inbox. */
  runner: { name: 'ryax.runner', type: 'direct' },
  /** Between runner and executors. */
  executions: { name: 'ryax.executions', type: 'topic' },
  /** Chunks of execution output. */
  logs: { name: 'ryax.logs', type: 'topic' },
  /** Questions to the state store. */
  queries: { name: 'ryax.queries', type: 'direct' },
  /** Every committed event, outward. */
  events: { name: 'ryax.events', type: 'topic' },
  /** Transient hints that cost nothing when lost: the log has grown. */
  wakes: { name: 'ryax.wakes', type: 'fanout' },
  /** What could not be handled, with the reason. */
  dead: { name: 'ryax.dead', type: 'fanout' },
} as const;
export type ExchangeName = (typeof exchanges)[keyof typeof exchanges]['name'];

export const queues = {
  intakeCommands: 'ryax.intake.commands',
  /** Commands that there was no room for; nothing is bound to it. */
  intakeWaiting: 'ryax.intake.waiting',
  /** The count is part of the name: old queues are drained before the number of partitions changes. */
  runnerPartition: (count: number, partition: number) => `ryax.runner.${count}.${partition}`,
  /** Of one process of an executor, by its incarnation. */
  starts: (incarnation: string) => `ryax.start.${incarnation}`,
  logs: 'ryax.logs.store',
  queries: 'ryax.queries',
  dead: 'ryax.dead',
} as const;

export const routingKeys = {
  runnerPartition: (partition: number) => `p${partition}`,
  /** To one executor: every copy of a start reaches the same one, which knows it for what it is. */
  start: (incarnation: string) => `start.${incarnation}`,
  cancel: (site: string) => `cancel.${site}`,
  query: (site: string) => `query.${site}`,
  beat: 'beat',
  /** To one executor: answers to its beats, and what is settled. */
  executor: (incarnation: string) => `executor.${incarnation}`,
  /** To one executor, if it makes handlers warm before they are asked for: others have no queue for it. */
  prewarm: (incarnation: string) => `prewarm.${incarnation}`,
  log: (project: string) => `log.${project}`,
  queries: 'query',
  event: (project: string, stream: string, name: string) => `${project}.${stream}.${name}`,
} as const;

/**
 * The partition that a stream's messages go through: FNV-1a (32 bit) over the UTF-16 code units of its id, with a
 * final avalanche so that ids which differ in their last character spread, modulo the number of partitions.
 */
export function partitionOf(stream: string, partitions: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < stream.length; index++) {
    hash = Math.imul(hash ^ stream.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash ^= hash >>> 13;
  return (hash >>> 0) % partitions;
}

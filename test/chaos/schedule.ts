import type { Random } from './random';
import { allLabels, executorLabels, labelsWithDatabase, type Label } from './roster';

/** What can go wrong. `holdMs` is how long it lasts; a fault without it is over at once, or when its server is back. */
export type Fault =
  | { readonly kind: 'kill'; readonly target: Label }
  | { readonly kind: 'pause'; readonly target: Label; readonly holdMs: number }
  | { readonly kind: 'broker-restart'; readonly signal: 'SIGTERM' | 'SIGKILL' }
  | { readonly kind: 'purge' }
  /** `draw` chooses among the queues that there are then. */
  | { readonly kind: 'delete-queue'; readonly draw: number }
  | { readonly kind: 'lose-starts'; readonly target: Label }
  | { readonly kind: 'database-restart' }
  | {
      readonly kind: 'network-cut';
      readonly target: Label;
      readonly line: 'broker' | 'database';
      /** Refused and reset, or silent: what is sent is neither taken nor answered. */
      readonly manner: 'closed' | 'silent';
      readonly holdMs: number;
    }
  | { readonly kind: 'duplicate'; readonly holdMs: number; readonly order: number }
  | { readonly kind: 'delay'; readonly holdMs: number; readonly order: number }
  | { readonly kind: 'disk-full'; readonly target: Label; readonly holdMs: number }
  | { readonly kind: 'clock-jump'; readonly target: Label; readonly hours: 1 | -1; readonly holdMs: number };

export type FaultKind = Fault['kind'];

export interface Planned {
  readonly number: number;
  readonly fault: Fault;
  /** From the moment at which the one before was injected (or, if it takes its time, was over). */
  readonly pauseMs: number;
}

/**
 * Longer than every patience of the engine: 10 s for an executor's beat (RYAX_EXECUTOR_PATIENCE_MS), 4 s for a runner's, and
 * three AMQP heartbeats of 5 s until the broker drops the connection.
 */
const pauseHold = [16_000, 19_000] as const;
const cutHold = [2_000, 8_000] as const;
/** Around the validity of a start (5 s): some of it comes while its attempt is still waited for, some after that was given up. */
const messageHold = [1_000, 8_000] as const;
const spell = [4_000, 8_000] as const;
const betweenFaults = [1_000, 3_000] as const;

/** How often each kind comes in one round. A restart of the broker costs ten seconds, so it is rare. */
const makers: Readonly<Record<FaultKind, { readonly perRound: number; readonly make: (random: Random) => Fault }>> = {
  kill: { perRound: 3, make: (random) => ({ kind: 'kill', target: random.pick(allLabels) }) },
  pause: {
    perRound: 2,
    make: (random) => ({ kind: 'pause', target: random.pick(allLabels), holdMs: random.between(...pauseHold) }),
  },
  'broker-restart': {
    perRound: 1,
    make: (random) => ({ kind: 'broker-restart', signal: random.pick(['SIGTERM', 'SIGKILL']) }),
  },
  purge: { perRound: 1, make: () => ({ kind: 'purge' }) },
  'delete-queue': { perRound: 1, make: (random) => ({ kind: 'delete-queue', draw: random.next() }) },
  'lose-starts': { perRound: 1, make: (random) => ({ kind: 'lose-starts', target: random.pick(executorLabels) }) },
  'database-restart': { perRound: 1, make: () => ({ kind: 'database-restart' }) },
  'network-cut': { perRound: 2, make: networkCut },
  duplicate: {
    perRound: 1,
    make: (random) => ({
      kind: 'duplicate',
      holdMs: random.between(...messageHold),
      order: random.between(0, 2 ** 31),
    }),
  },
  delay: {
    perRound: 1,
    make: (random) => ({ kind: 'delay', holdMs: random.between(...messageHold), order: random.between(0, 2 ** 31) }),
  },
  'disk-full': {
    perRound: 1,
    make: (random) => ({ kind: 'disk-full', target: random.pick(executorLabels), holdMs: random.between(...spell) }),
  },
  'clock-jump': {
    perRound: 1,
    make: (random) => ({
      kind: 'clock-jump',
      target: random.pick(allLabels),
      hours: random.pick([1, -1]),
      holdMs: random.between(...spell),
    }),
  },
};

export const faultKinds = Object.keys(makers) as readonly FaultKind[];

/** The kinds in rounds, each round shuffled, so that a short campaign has seen each kind before it sees one often. */
export function schedule(random: Random, count: number, only: readonly FaultKind[] = faultKinds): Planned[] {
  const planned: Planned[] = [];
  let round: FaultKind[] = [];
  while (planned.length < count) {
    // The first round has each kind once.
    const times = (kind: FaultKind) => (planned.length === 0 ? 1 : makers[kind].perRound);
    if (round.length === 0) round = random.shuffled(only.flatMap((kind) => Array<FaultKind>(times(kind)).fill(kind)));
    const kind = round.pop();
    if (kind === undefined) throw new Error('Expected a kind of fault, found none');
    const fault = makers[kind].make(random);
    planned.push({ number: planned.length + 1, fault, pauseMs: random.between(...betweenFaults) });
  }
  return planned;
}

/** One fault more, in place of one that could not be made; of a kind among these only where there is no other. */
export function spare(
  random: Random,
  without: ReadonlySet<FaultKind>,
  only: readonly FaultKind[] = faultKinds,
): Planned | undefined {
  const others = only.filter((kind) => !without.has(kind));
  return schedule(random, 1, others.length === 0 ? only : others)[0];
}

function networkCut(random: Random): Fault {
  const line = random.pick(['broker', 'database']);
  const target = random.pick(line === 'broker' ? allLabels : labelsWithDatabase);
  const manner = random.pick(['closed', 'silent']);
  return { kind: 'network-cut', target, line, manner, holdMs: random.between(...cutHold) };
}

/** As it stands in the progress and in the table: `pause runner-2 for 17 s`. */
export function describeFault(fault: Fault): string {
  const seconds = 'holdMs' in fault ? ` for ${(fault.holdMs / 1000).toFixed(1)} s` : '';
  switch (fault.kind) {
    case 'kill':
      return `kill -9 ${fault.target}`;
    case 'pause':
      return `SIGSTOP ${fault.target}${seconds}`;
    case 'broker-restart':
      return `RabbitMQ ended by ${fault.signal} and started`;
    case 'purge':
      return 'every queue purged';
    case 'delete-queue':
      return 'one queue deleted';
    case 'lose-starts':
      return `starts on their way to ${fault.target} lost with its connection`;
    case 'database-restart':
      return 'PostgreSQL restarted with -m immediate';
    case 'network-cut':
      return `network of ${fault.target} to its ${fault.line} ${fault.manner}${seconds}`;
    case 'duplicate':
      return `messages of ${(fault.holdMs / 1000).toFixed(1)} s sent again in another order`;
    case 'delay':
      return `messages to runners held back${seconds} and sent in another order`;
    case 'disk-full':
      return `disk of ${fault.target} full${seconds}`;
    case 'clock-jump':
      return `clock of ${fault.target} ${fault.hours > 0 ? '+' : '-'}1 h${seconds}`;
    default:
      return fault satisfies never;
  }
}

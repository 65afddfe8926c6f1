/** How we know a figure. `derived`: from measured figures by a division of the cost that was not measured by itself. */
export type Basis = 'measured' | 'derived' | 'estimate';

export interface UnitCost {
  readonly value: number;
  readonly basis: Basis;
  readonly from: string;
}

/**
 * What each thing costs, in one place: put new measurements in here, or in a JSON file of {name: value} for `--costs`. CPU in
 * microseconds of one core of the measured machine (2 cores, Node 20, PostgreSQL and RabbitMQ beside it).
 */
export const unitCosts = {
  intakeUsPerRun: cost(570, 'derived', 'bench W2 5000: CPU of studio-intake for one request'),

  runnerUsPerCycle: cost(500, 'estimate', 'a turn, however little it decides'),
  runnerUsPerItem: cost(180, 'derived', 'bench W2 5000: CPU of the runner, less turns and messages'),
  runnerUsPerMessage: cost(75, 'estimate', 'taking or sending one message of the broker, whatever is packed in it'),
  settledRestUs: cost(50_000, 'measured', 'setting: how long a runner gathers what is settled'),
  runnerBatchItems: cost(500, 'measured', 'default of RYAX_BATCH_MESSAGES'),

  appendUsPerBatch: cost(
    300,
    'derived',
    'an append of two events takes 0.95 ms, less events, flush, round trip and waiting',
  ),
  appendUsPerEvent: cost(30, 'measured', '29 µs of database CPU; 26 to 31 thousand events/s on one connection'),
  databaseRoundTripUs: cost(100, 'estimate', 'network and driver, there and back, besides what the database does'),
  flushUs: cost(140, 'measured', 'one fdatasync of the measured disk'),
  walBytesPerEvent: cost(680, 'measured', '870 bytes of write-ahead log for an event of 190'),
  storedBytesPerEvent: cost(450, 'measured', '640 bytes of table and index for an event of 190'),
  walMibPerS: cost(200, 'estimate', 'how fast one PostgreSQL can write its own log for long'),

  brokerUsPerMessage: cost(
    55,
    'derived',
    'bench W2 5000; alone 65 to 80: 14 to 17 thousand messages/s in and out with 1.1 cores',
  ),
  brokerUsPerItem: cost(4, 'estimate', 'copying of what is packed'),
  queueUsPerMessage: cost(33, 'measured', 'one queue is one process of the broker: about 30 thousand messages/s'),
  copyShare: cost(0.5, 'estimate', 'of the work for a message, for each further copy of a quorum queue'),
  hopUs: cost(300, 'estimate', 'network, sockets and turns of event loops from one process to the next'),

  executorUsPerMessage: cost(75, 'estimate', 'taking or sending one message'),
  executorUsPerItem: cost(65, 'derived', 'bench W2 5000: CPU of the executor for a no-op of its own, less messages'),

  tailUsPerPage: cost(300, 'estimate', 'one statement, whatever it finds'),
  tailUsPerEvent: cost(9, 'measured', 'the tail reads 90 to 125 thousand events/s'),
  projectUsPerPage: cost(1_500, 'estimate', 'CPU of the state store for a page of about ten statements'),
  projectUsPerEvent: cost(40, 'derived', 'bench W2 5000: CPU of the state store, less the relay'),
  projectDatabaseUsPerPage: cost(1_000, 'estimate', 'ten statements and a commit that need not wait for the disk'),
  projectDatabaseUsPerEvent: cost(8, 'measured', 'a row at each end of an execution: 17 µs a step'),
  projectPageEvents: cost(1_000, 'measured', 'setting: page of the projections'),
  projectRestUs: cost(50_000, 'measured', 'setting: pause of the projections after a page that was not full'),
  relayUsPerPage: cost(300, 'estimate', 'CPU of the state store for a page, whatever is in it'),
  relayUsPerEvent: cost(65, 'derived', 'bench W2 5000: one message of the broker for each event'),
  relayPageEvents: cost(500, 'measured', 'setting: page of the relay'),
  relayRestUs: cost(20_000, 'measured', 'setting: pause of the relay after a page that was not full'),

  podsPerS: cost(100, 'estimate', 'pods that a large Kubernetes cluster makes, binds and removes each second'),
} as const satisfies Readonly<Record<string, UnitCost>>;

/**
 * What the benchmark measured, which the model has to give again: put new measurements in here, and bring the costs above in line.
 * Here: W2 5000, distributed, 2 cores shared with other work, before any of the goals was met.
 */
export const measuredReference = {
  /** Runs under way in W2: it submits 100 at once, and those accepted go on. */
  runsAtOnce: 200,
  stepsPerS: 1_269,
  /** CPU of the benchmark's own process, which the model does not have. */
  harnessUsPerStep: 85,
  cpuUsPerStep: {
    intake: 191,
    'runner thread': 309,
    'executor thread': 102,
    'state store thread': 303,
    'log database': 177,
    'broker nodes': 211,
  },
} as const;

export type CostName = keyof typeof unitCosts;
export type Costs = Readonly<Record<CostName, number>>;

/** The defaults, with some replaced by name. Throws with what was expected for a name or value of no sense. */
export function costsWith(replaced: Readonly<Record<string, unknown>> = {}): Costs {
  const costs = Object.fromEntries(Object.entries(unitCosts).map(([name, { value }]) => [name, value]));
  for (const [name, value] of Object.entries(replaced)) {
    if (!(name in costs)) throw new Error(`Expected one of ${Object.keys(costs).join(', ')}, found ${name}`);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new Error(`Expected ${name} to be a number from 0 on, found ${String(value)}`);
    }
    costs[name] = value;
  }
  return costs as Costs;
}

function cost(value: number, basis: Basis, from: string): UnitCost {
  return { value, basis, from };
}

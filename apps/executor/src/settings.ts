import { hostname, totalmem, availableParallelism } from 'node:os';
import { limits, type Architecture, type PoolKind, type Resources } from '@ryax/contracts';
import { amountsOf } from './judgements';
import type { Amounts, PoolRules } from './resource-pool';

/** What an executor is and how it behaves. All durations are its own, on the monotonic clock. */
export interface ExecutorSettings {
  /** For people: the host or pod. Processes are told apart by their incarnation. */
  readonly name: string;
  readonly site: string;
  readonly pool: string;
  /** What it is like, for runners to choose by; without it they are told nothing. */
  readonly poolKind?: Omit<PoolKind, 'name'>;
  /** What the pool has of each resource. */
  readonly capacity: Amounts;
  /** The most of it that one execution can have, where that is less: a pool of several nodes. */
  readonly largest?: Amounts;
  /**
   * What of the pool is ours, where all executors of the site offer the same one.
   * @param index our place among them
   */
  readonly share?: (index: number, executors: number) => Amounts;
  readonly poolRules: PoolRules;
  /** What of it an execution takes that asks for so much. */
  readonly amountsOf: (resources: Resources) => Amounts;
  /** Between two beats. */
  readonly beatMs: number;
  /** Without an answered beat for this long it is not ready. Each start brings its own validity. */
  readonly leaseMs: number;
  /** An attempt that runs longer than this is reported as started; shorter ones only by their end. */
  readonly startedAfterMs: number;
  /** An outcome that nobody has settled is reported again after the first wait, then after twice that, up to the last. */
  readonly repeatAfterMs: number;
  readonly repeatAtMostEveryMs: number;
  /** An outcome that nobody settles for so long belongs to a log that no longer exists. */
  readonly forgetAfterMs: number;
  /** Outcomes, and their bytes, that wait to be settled; above it new starts are given back. */
  readonly unsettledLimit: number;
  readonly unsettledBytes: number;
  /** Built-ins that sleep; they hold no slot, but memory. */
  readonly sleepingLimit: number;
  /** Settled and cancelled-before-start attempts that are remembered, and for how long. */
  readonly rememberedLimit: number;
  readonly rememberedMs: number;
  /** Output that is kept of one attempt. */
  readonly logBytesPerAttempt: number;
  /** How long an outcome waits until the broker has confirmed the attempt's log. */
  readonly logEndMs: number;
  /** Shutdown: what runs may finish for so long, what is then cancelled may take so long to end, … */
  readonly finishMs: number;
  readonly cancelMs: number;
  /** … and what was reported may take so long to be settled. */
  readonly settleMs: number;
}

/**
 * A slot is an execution at once, whatever it asks. Executions that declare what they need are bounded by that; those that
 * declare nothing (most) are bounded by slots alone. They mostly wait (for a service, a disk) or keep one core busy for a
 * part of their time, so four for each core, and on a small machine eight, which as warm workers are some 400 MB.
 */
export function defaultSlots(cores: number): number {
  return Math.max(8, 4 * cores);
}

/** What the machine has, as this process may use it (limits of its container included). GPUs are not looked for. */
export function machineCapacity(): Amounts {
  const cpu = availableParallelism();
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return { slots: defaultSlots(cpu), cpu, memory_bytes: memory, gpu: 0 };
}

/** As the definition's `architecture` names them, by what Node calls them. */
const architectureNames: Readonly<Record<string, Architecture>> = {
  x64: 'amd64',
  arm64: 'arm64',
  arm: 'arm',
  ppc64: 'ppc64le',
  riscv64: 'riscv64',
  s390x: 's390x',
};

/** A pool of one machine, this one, of which nobody has said how well it does. */
export function machineKind({ cpu, memory_bytes, gpu }: Amounts): Omit<PoolKind, 'name'> {
  return {
    architecture: architectureNames[process.arch] ?? null,
    scores: { time: 50, cost: 50, energy: 50 },
    time_limit_ms: null,
    node: { cpu, memory_bytes, gpu },
  };
}

export const defaultSettings: ExecutorSettings = {
  name: hostname(),
  site: 'local',
  pool: 'default',
  capacity: machineCapacity(),
  poolRules: { waitingLimit: 64, overtakingLimit: 16, reserveAfterMs: 5_000, patienceMs: 10_000 },
  amountsOf,
  beatMs: 1_000,
  leaseMs: 5_000,
  startedAfterMs: 100,
  repeatAfterMs: 5_000,
  repeatAtMostEveryMs: 60_000,
  forgetAfterMs: 24 * 60 * 60 * 1000,
  unsettledLimit: 50_000,
  unsettledBytes: 128 * 1024 * 1024,
  sleepingLimit: 100_000,
  rememberedLimit: 50_000,
  rememberedMs: 10 * 60 * 1000,
  logBytesPerAttempt: limits.logBytesPerAttempt,
  logEndMs: 5_000,
  finishMs: 10_000,
  cancelMs: 5_000,
  settleMs: 2_000,
};

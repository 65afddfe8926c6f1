import type { Quantities } from './objects';
import { parseQuantity } from './quantity';

export interface NodeOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What pods may ask for in sum; more than any test needs by default. */
  readonly capacity?: Quantities;
}

const ample: Quantities = { cpu: 10_000, memory: '100Ti', 'ephemeral-storage': '100Ti', pods: 100_000 };

/** A machine of the cluster, which can be lost. */
export class Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Quantities;
  private readonly waiting: (() => void)[] = [];
  private lost = false;

  constructor({ name, labels = {}, capacity = {} }: NodeOptions) {
    this.name = name;
    this.labels = {
      'kubernetes.io/hostname': name,
      'kubernetes.io/arch': process.arch === 'arm64' ? 'arm64' : 'amd64',
      'kubernetes.io/os': 'linux',
      ...labels,
    };
    this.capacity = { ...ample, ...capacity };
  }

  get isLost(): boolean {
    return this.lost;
  }

  lose(): void {
    this.lost = true;
  }

  comeBack(): void {
    this.lost = false;
    this.waiting.splice(0).forEach((resume) => resume());
  }

  /** At once, unless it is lost. */
  async whenPresent(): Promise<void> {
    if (this.lost) await new Promise<void>((resolve) => void this.waiting.push(resolve));
  }

  /** The first resource of which it has not enough, beside what is used. */
  lacks(asked: Readonly<Record<string, number>>, used: Readonly<Record<string, number>>): string | undefined {
    return Object.entries(asked)
      .map(([name, amount]) => [name, amount + (used[name] ?? 0)] as const)
      .find(([name, total]) => total > parseQuantity(this.capacity[name] ?? 0))?.[0];
  }

  matches(selector: Readonly<Record<string, string>> = {}): boolean {
    return Object.entries(selector).every(([key, value]) => this.labels[key] === value);
  }
}

import type { Quantities } from './objects';
import { parseQuantity } from './quantity';

export interface NodeOptions {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  /** What pods may ask for in sum; more than any test needs by default. */
  readonly capacity?: Quantities;
}

const ample: Quantities = { cpu: 10_000, memory: '100Ti', 'ephemeral-storage': '100Ti', pods: 100_000 };

/** What pods ask for in sum, by resource, as numbers of cores, bytes and pieces. */
export type Amounts = Readonly<Record<string, number>>;

/** A machine of the cluster, which can be lost. */
export class Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: Quantities;
  private readonly waiting: (() => void)[] = [];
  private readonly room: ReadonlyMap<string, number>;
  /** In whole thousandths, so that nothing is left of what is given back. */
  private readonly taken = new Map<string, number>();
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
    this.room = new Map(Object.entries(this.capacity).map(([resource, amount]) => [resource, thousandths(amount)]));
  }

  get podCount(): number {
    return (this.taken.get('pods') ?? 0) / 1_000;
  }

  take(asked: Amounts): void {
    this.add(asked, 1);
  }

  giveBack(asked: Amounts): void {
    this.add(asked, -1);
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

  /** The first resource of which it has not enough left. */
  lacks(asked: Amounts): string | undefined {
    const lack = Object.entries(asked).find(
      ([resource, amount]) => (this.taken.get(resource) ?? 0) + thousandths(amount) > (this.room.get(resource) ?? 0),
    );
    return lack?.[0];
  }

  matches(selector: Readonly<Record<string, string>> = {}): boolean {
    return Object.entries(selector).every(([key, value]) => this.labels[key] === value);
  }

  private add(asked: Amounts, sign: 1 | -1): void {
    for (const [resource, amount] of Object.entries(asked)) {
      this.taken.set(resource, (this.taken.get(resource) ?? 0) + sign * thousandths(amount));
    }
  }
}

function thousandths(quantity: string | number): number {
  return Math.round(parseQuantity(quantity) * 1_000);
}

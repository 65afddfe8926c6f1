import { answerWithin } from './deadline';

/** Reads what is so now; may throw. */
export type Fact = () => unknown;

interface KnownFact {
  readonly read: Fact;
  value: unknown;
  /** Monotonic ms; undefined while it was never read. */
  readAt: number | undefined;
}

/** A probe comes every few seconds, and what these say hardly ever changes. */
const freshForMs = 60_000;
const deadlineMs = 2_000;
/** What is said of a fact that could not be read yet. */
const unknownFact = 'unknown';

/** What a service says about itself beside its checks. Nothing here makes it unready, least of all that it cannot be read. */
export class Facts {
  private readonly known = new Map<string, KnownFact>();

  constructor(private readonly monotonicMs: () => number = () => performance.now()) {}

  /** Adds a fact. A later one takes the place of one of the same name: services in one process stand on the same database. */
  register(name: string, read: Fact): void {
    this.known.set(name, { read, value: unknownFact, readAt: undefined });
  }

  /** All of them, a minute old at most; what cannot be read now is said as it was known last, or `unknown`. */
  async current(): Promise<Record<string, unknown>> {
    const facts = [...this.known].map(async ([name, fact]) => [name, await this.valueOf(fact)] as const);
    return Object.fromEntries(await Promise.all(facts));
  }

  private async valueOf(fact: KnownFact): Promise<unknown> {
    const isFresh = fact.readAt !== undefined && this.monotonicMs() - fact.readAt < freshForMs;
    if (isFresh) return fact.value;
    try {
      fact.value = await answerWithin(deadlineMs, fact.read);
      fact.readAt = this.monotonicMs();
    } catch {
      // The checks say what is wrong.
    }
    return fact.value;
  }
}

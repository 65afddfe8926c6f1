import * as fc from 'fast-check';
import { WarmBook, type Order, type PodKind } from './warm-book';

const capacity = { slots: 4, cpu: 4, memory_bytes: 4_096, gpu: 1 };
const rules = { idleMs: 1_000, reportingMs: 100, unreportedMs: Infinity };
const kinds: readonly PodKind[] = [
  { key: 'small', amounts: { slots: 1, cpu: 0, memory_bytes: 0, gpu: 0 } },
  { key: 'half', amounts: { slots: 1, cpu: 2, memory_bytes: 2_048, gpu: 0 } },
  { key: 'gpu', amounts: { slots: 1, cpu: 1, memory_bytes: 0, gpu: 1 } },
];
const resources = ['slots', 'cpu', 'memory_bytes', 'gpu'] as const;

type Step =
  | { readonly type: 'request' | 'serve' | 'prewarm'; readonly kind: number }
  | { readonly type: 'end' | 'report' | 'withdraw' | 'ready' | 'break' | 'lose'; readonly which: number }
  | { readonly type: 'pass'; readonly ms: number };

const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('request' as const), kind: fc.nat(2) }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('serve' as const), kind: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('prewarm' as const), kind: fc.nat(2) }) },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom('end', 'report', 'withdraw', 'ready', 'ready', 'break', 'lose'),
        which: fc.nat(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1, 50, 120, 1_001) }) },
  ),
  { maxLength: 120 },
);

interface ModelPod {
  readonly kind: PodKind;
  state: 'starting' | 'busy' | 'reporting' | 'idle';
  attempt: string | undefined;
  lastUsedMs: number;
  /** Made ahead, and not used yet. */
  isPrewarmed: boolean;
}

/** Carries out orders as a cluster would, and looks on. Attempts are admitted as the executor's pool does it: so that all of them fit. */
class Model {
  readonly pods = new Map<string, ModelPod>();
  readonly waiting = new Map<string, PodKind>();
  readonly failed: string[] = [];
  private names = 0;
  private attempts = 0;
  now = 0;
  readonly book = new WarmBook<PodKind>(capacity, rules, () => `pod-${++this.names}`);

  take(step: Step): void {
    this.now++;
    switch (step.type) {
      case 'serve':
        // From the request to the report: what is left is idle.
        this.take({ type: 'request', kind: step.kind });
        for (const type of ['ready', 'end', 'report'] as const) this.take({ type, which: 0 });
        return;
      case 'request': {
        const kind = kinds[step.kind] ?? fail('no such kind');
        if (!this.isAdmitted(kind)) return;
        const attempt = `attempt-${++this.attempts}`;
        this.waiting.set(attempt, kind);
        return this.obey(this.book.request(attempt, kind, this.now));
      }
      case 'prewarm': {
        const orders = this.book.prewarm(kinds[step.kind] ?? fail('no such kind'), this.now);
        if (orders.some(({ type }) => type === 'prewarm')) this.expectNoneDisplaced(orders);
        return this.obey(orders);
      }
      case 'end':
        return this.with('busy', step.which, (name, pod) => {
          pod.state = 'reporting';
          pod.attempt = undefined;
          return this.book.becomes(name, 'reporting', this.now);
        });
      case 'report':
        return this.with('reporting', step.which, (name, pod) => this.idle(name, pod));
      case 'ready':
        return this.with('starting', step.which, (name, pod) => this.idle(name, pod));
      case 'break':
        return this.with('starting', step.which, (name, { isPrewarmed }) => {
          const orders = this.drop(name);
          if (isPrewarmed) expect(orders.filter(({ type }) => type === 'fail')).toEqual([]);
          return orders;
        });
      case 'lose':
        return this.with('busy', step.which, (name) => this.drop(name));
      case 'withdraw': {
        const attempt = [...this.waiting.keys()][step.which % this.waiting.size];
        if (attempt === undefined) return;
        this.waiting.delete(attempt);
        return this.obey(this.book.withdraw(attempt, this.now));
      }
      case 'pass':
        this.now += step.ms;
        return this.obey(this.book.tick(this.now), true);
      default:
        step satisfies never;
    }
  }

  private with(
    state: ModelPod['state'],
    which: number,
    act: (name: string, pod: ModelPod) => readonly Order<PodKind>[],
  ) {
    const found = [...this.pods].filter(([, pod]) => pod.state === state);
    const [name, pod] = found[which % found.length] ?? [];
    if (name !== undefined && pod !== undefined) this.obey(act(name, pod));
  }

  private idle(name: string, pod: ModelPod): readonly Order<PodKind>[] {
    pod.state = 'idle';
    pod.lastUsedMs = this.now;
    return this.book.becomes(name, 'idle', this.now);
  }

  private drop(name: string): readonly Order<PodKind>[] {
    this.pods.delete(name);
    return this.book.gone(name, this.now);
  }

  private isAdmitted(kind: PodKind): boolean {
    const running = [...this.pods.values()].filter(({ state }) => state === 'busy').map((pod) => pod.kind);
    const admitted = [...running, ...this.waiting.values(), kind];
    return resources.every((each) => sum(admitted, each) <= capacity[each]);
  }

  private obey(orders: readonly Order<PodKind>[], isOfTime = false): void {
    for (const order of orders) {
      switch (order.type) {
        case 'run': {
          const pod = this.pods.get(order.pod) ?? fail('a pod that is there');
          expect(pod).toMatchObject({ state: 'idle', attempt: undefined });
          expect(this.waiting.get(order.attempt)).toBe(pod.kind);
          pod.state = 'busy';
          pod.attempt = order.attempt;
          pod.isPrewarmed = false;
          this.waiting.delete(order.attempt);
          break;
        }
        case 'create':
          this.created(order.pod, order.kind, false);
          break;
        case 'prewarm':
          this.expectRoomAhead(order.kind);
          this.created(order.pod, order.kind, true);
          break;
        case 'remove':
          this.removed(order.pod, isOfTime);
          break;
        case 'fail':
          expect(this.waiting.delete(order.attempt)).toBe(true);
          this.failed.push(order.attempt);
          break;
        default:
          order satisfies never;
      }
    }
    this.check();
  }

  private created(name: string, kind: PodKind, isPrewarmed: boolean): void {
    expect(this.pods.has(name)).toBe(false);
    this.pods.set(name, { kind, state: 'starting', attempt: undefined, lastUsedMs: this.now, isPrewarmed });
  }

  /** Half of what all pods leave free, busy or not, and those that have yet to be made for who waits. */
  private expectRoomAhead(kind: PodKind): void {
    const pods = [...this.pods.values()];
    expect(pods.filter((pod) => pod.kind === kind)).toEqual([]);
    const missing = kinds.flatMap((each) => {
      const waits = [...this.waiting.values()].filter((one) => one === each);
      return waits.slice(pods.filter((pod) => pod.kind === each && pod.state === 'starting').length);
    });
    const kindsOf = (isPrewarmed: boolean) =>
      pods.filter((pod) => pod.isPrewarmed === isPrewarmed).map((pod) => pod.kind);
    for (const each of resources) {
      const free = capacity[each] - sum([...kindsOf(false), ...missing], each);
      expect(sum([...kindsOf(true), kind], each)).toBeLessThanOrEqual(free / 2);
    }
  }

  /** Only the end of its time removes a pod when another is made ahead. */
  private expectNoneDisplaced(orders: readonly Order<PodKind>[]): void {
    for (const order of orders) {
      if (order.type !== 'remove') continue;
      expect(this.now - (this.pods.get(order.pod)?.lastUsedMs ?? this.now)).toBeGreaterThanOrEqual(rules.idleMs);
    }
  }

  private removed(name: string, isOfTime: boolean): void {
    const pod = this.pods.get(name) ?? fail('a pod that is there');
    this.pods.delete(name);
    expect(['idle', 'starting']).toContain(pod.state);
    if (isOfTime) return;
    // Displaced: what was made ahead goes first; of either, nobody was idle for longer, and what is on its way goes last.
    const others = [...this.pods.values()];
    const isUnneeded = ({ state, kind }: ModelPod) =>
      state === 'idle' || (state === 'starting' && ![...this.waiting.values()].includes(kind));
    if (!pod.isPrewarmed) expect(others.filter((other) => other.isPrewarmed && isUnneeded(other))).toEqual([]);
    const idle = others.filter(({ state, isPrewarmed }) => state === 'idle' && isPrewarmed === pod.isPrewarmed);
    if (pod.state === 'starting') expect(idle).toEqual([]);
    for (const other of idle) expect(other.lastUsedMs).toBeGreaterThanOrEqual(pod.lastUsedMs);
  }

  private check(): void {
    const pods = [...this.pods.values()];
    const held = pods.filter(({ state }) => state !== 'reporting').map(({ kind }) => kind);
    for (const each of resources) expect(sum(held, each)).toBeLessThanOrEqual(capacity[each]);
    for (const kind of kinds) {
      const waits = [...this.waiting.values()].filter((each) => each === kind).length;
      if (waits > 0) expect(pods.filter((pod) => pod.kind === kind && pod.state === 'idle')).toEqual([]);
    }
  }
}

function sum(of: readonly PodKind[], resource: (typeof resources)[number]): number {
  return of.reduce((total, { amounts }) => total + amounts[resource], 0);
}

function fail(expected: string): never {
  throw new Error(`Expected ${expected}`);
}

describe('the book of warm pods', () => {
  it('gives each pod to one attempt of its kind at a time, keeps to the capacity, and displaces who was idle for longest', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const model = new Model();
        for (const step of taken) model.take(step);
      }),
      { numRuns: 500 },
    );
  });

  it('makes a pod for whoever has waited longer than one takes to report', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const model = new Model();
        for (const step of taken) model.take(step);
        model.take({ type: 'pass', ms: rules.reportingMs });
        for (const kind of kinds) {
          const waits = [...model.waiting.values()].filter((each) => each === kind).length;
          const coming = [...model.pods.values()].filter((pod) => pod.kind === kind && pod.state === 'starting').length;
          expect(coming).toBeGreaterThanOrEqual(waits);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('keeps none that had no work for its time', () => {
    fc.assert(
      fc.property(steps, (taken) => {
        const model = new Model();
        for (const step of taken) model.take(step);
        model.take({ type: 'pass', ms: rules.idleMs });
        expect([...model.pods.values()].filter(({ state }) => state === 'idle')).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });
});

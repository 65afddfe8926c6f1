import type { Attempt, Beat, Report } from '@ryax/contracts';
import type { Member } from '@ryax/event-log';
import { ExecutorRegistry } from './executors';
import type { Outbox } from './outbox';
import { Reconciliation } from './reconciliation';
import { WorkIndex, type TrackedAttempt } from './work-index';

const validityMs = 5_000;
const patienceMs = 10_000;

/** The world around one attempt that was handed out at 0, in monotonic and database time alike. */
class World {
  readonly index = new WorkIndex();
  readonly executors = new ExecutorRegistry({ patienceMs, maxGapMs: 2_000 });
  readonly asked: Attempt[] = [];
  readonly askedAt: number[] = [];
  readonly cancels: { readonly execution: string; readonly force: boolean }[] = [];
  readonly verdicts: string[] = [];
  remembered: Member[] = [];
  now = 0;
  private heard = 0;
  private readonly reconciliation = new Reconciliation(
    this.index,
    this.executors,
    { rememberedExecutors: () => Promise.resolve(this.remembered) },
    { monotonicMs: () => this.now, wallMs: () => 0 },
    { now: () => this.now },
    { startValidityMs: validityMs },
  );

  constructor(overrides: Partial<TrackedAttempt> = {}) {
    this.index.track({
      streamId: 'run:default:r',
      execution: 'x',
      attempt: 1,
      project: 'default',
      runId: 'r',
      partition: 0,
      site: 'local',
      pool: 'default',
      holdsSlot: true,
      scheduledAt: 0,
      emittedAt: 0,
      sentTo: undefined,
      since: 0,
      holder: undefined,
      cancelling: null,
      inquiry: undefined,
      isReturned: false,
      returnedBy: undefined,
      isSuspect: false,
      ...overrides,
    });
  }

  get attempt(): TrackedAttempt | undefined {
    return this.index.attempt('run:default:r', 'x', 1);
  }

  /** Beats of the executors arrive each second, and our own with them, until the time given. */
  passUntil(ms: number, ...alive: string[]): void {
    for (; this.now < ms; this.now += 1_000) {
      this.executors.heardSelf(this.now);
      for (const incarnation of alive) this.executors.heard(beatOf(incarnation));
    }
  }

  hear(report: Report['report'], incarnation: string, messageId = `m${this.heard++}`): void {
    const { attempt } = this;
    if (attempt === undefined) throw new Error('no attempt');
    const about = { run_id: 'r', execution: 'x', attempt: 1, executor: 'host', incarnation };
    const extra = { started_ms_ago: 0, reason: '', duration_ms: 0, outcome: { status: 'cancelled' } };
    this.reconciliation.answered(attempt, { report, ...about, ...extra } as Report, messageId);
  }

  suspectAll(): void {
    this.reconciliation.suspectAll();
  }

  async tick(): Promise<void> {
    const outbox = {
      query: (_site: string, attempt: Attempt, askedAt: number) => {
        this.asked.push(attempt);
        this.askedAt.push(askedAt);
      },
      cancel: (_site: string, attempt: { execution: string; force: boolean }) => this.cancels.push(attempt),
    };
    await this.reconciliation.tick(outbox as unknown as Outbox, {
      vanished: (_attempt, reason) => this.verdicts.push(`vanished: ${reason}`),
      emitAgain: () => this.verdicts.push('emitted again'),
    });
  }
}

function beatOf(incarnation: string): Beat {
  return { executor: 'host', incarnation, site: 'local', pools: [], sent: 0, schema_max: 1 };
}

function memberOf(incarnation: string, beatAt: number): Member {
  const row = { pools: '[]', wanted: '{}', schemaMax: 1, lock: null, sent: 0 };
  return { id: `host of ${incarnation}`, incarnation, kind: 'executor', site: 'local', beatAt, ...row };
}

describe('Reconciliation', () => {
  it('leaves an attempt alone whose holder lives, however long it says nothing', async () => {
    const world = new World({ holder: 'e1' });
    world.passUntil(3_600_000, 'e1');
    await world.tick();
    expect([world.asked, world.verdicts]).toEqual([[], []]);
  });

  it('calls an attempt lost whose holder is dead', async () => {
    const world = new World({ holder: 'e1' });
    world.passUntil(1_000, 'e1', 'e2');
    world.passUntil(13_000, 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: its executor e1 is gone']);
  });

  it('asks nobody before the start has lost its validity', async () => {
    const world = new World();
    world.passUntil(4_000, 'e1');
    await world.tick();
    expect(world.asked).toEqual([]);
  });

  it('remembers since when what it sends after an answer is meant: since the newest question', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.passUntil(10_000, 'e1', 'e2');
    await world.tick();
    expect(world.askedAt).toEqual([6_000, 10_000]);
    expect(world.attempt?.inquiry).toMatchObject({ since: 10_000, unknownTo: new Set(['e1']) });
  });

  it('emits a start again only after every live executor has said that it does not know it', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    expect(world.asked).toHaveLength(1);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('does not emit again what an executor has meanwhile said it holds', async () => {
    const world = new World();
    world.passUntil(6_000, 'e1', 'e2');
    await world.tick();
    world.hear('unknown', 'e1');
    world.hear('holding', 'e2');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    expect(world.attempt?.holder).toBe('e2');
  });

  it('calls an attempt lost, and does not emit it again, when an executor died that may have run it', async () => {
    const world = new World();
    world.remembered = [memberOf('dead', 500)];
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: executor host of dead, which may have run it, is gone']);
  });

  it('does not blame an executor that died before the attempt was handed out', async () => {
    const world = new World({ scheduledAt: 60_000 });
    world.remembered = [memberOf('dead', 500)];
    world.passUntil(6_000, 'e1');
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('waits while no executor lives, for none can be asked or given anything', async () => {
    const world = new World();
    world.passUntil(60_000);
    await world.tick();
    await world.tick();
    expect(world.verdicts).toEqual([]);
  });

  it('emits a start again at once that an executor gave back', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1');
    world.hear('returned', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('repeats a cancel until the attempt has ended, and confirms it by absence', async () => {
    const world = new World({ cancelling: { since: 0, force: false } });
    await world.tick();
    world.passUntil(2_000, 'e1');
    await world.tick();
    world.passUntil(6_000, 'e1');
    await world.tick();
    expect(world.cancels).toHaveLength(2);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: no executor holds it']);
  });

  it('asks about everything at once after the broker was away', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1');
    world.suspectAll();
    await world.tick();
    expect(world.asked).toHaveLength(1);
  });

  it('calls an attempt lost whose holder it knows only by a report, and never hears', async () => {
    const world = new World();
    world.hear('started', 'died before we listened');
    world.passUntil(13_000, 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['vanished: its executor died before we listened is gone']);
  });

  it('does not emit again a start that was given back before its holder took it', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1', 'e2');
    world.hear('holding', 'e2');
    world.hear('returned', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
  });

  it('emits a start again once for one message, however often that arrives', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1');
    world.hear('returned', 'e1', 'm');
    if (world.attempt !== undefined) world.attempt.isReturned = false;
    world.hear('returned', 'e1', 'm');
    await world.tick();
    expect(world.verdicts).toEqual([]);
  });

  it('does not conclude from an answer that came before the start had lost its validity', async () => {
    const world = new World();
    world.passUntil(1_000, 'e1');
    world.suspectAll();
    await world.tick();
    world.hear('unknown', 'e1');
    await world.tick();
    world.passUntil(6_000, 'e1');
    await world.tick();
    expect(world.verdicts).toEqual([]);
    world.hear('unknown', 'e1');
    await world.tick();
    expect(world.verdicts).toEqual(['emitted again']);
  });

  it('everything open is asked about at a bounded rate', async () => {
    const world = new World();
    const { attempt } = world;
    if (attempt === undefined) throw new Error('no attempt');
    for (let other = 1; other < 5_000; other++) world.index.track({ ...attempt, execution: `x.${other}` });
    world.passUntil(1_000, 'e1');
    world.suspectAll();
    const askedAfter: number[] = [];
    for (let tick = 1; tick <= 4; tick++) {
      await world.tick();
      askedAfter.push(world.asked.length);
    }

    expect(askedAfter).toEqual([2_000, 4_000, 5_000, 5_000]);
    expect(new Set(world.asked.map(({ execution }) => execution)).size).toBe(5_000);
  });
});

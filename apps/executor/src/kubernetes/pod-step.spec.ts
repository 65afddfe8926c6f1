import type { V1ContainerState, V1Pod, V1PodCondition } from '@kubernetes/client-node';
import { isUnreachable, nextStep, ranForMs, type PodLimits, type Told, type Watched } from './pod-step';

const patience = {
  image: 100,
  refusedImage: 30,
  configuration: 200,
  starting: 300,
  unschedulable: 400,
  unreachable: 500,
};
const limits: PodLimits = { timeLimitMs: 1_000, patience };
const wallMs = Date.parse('2026-11-26T10:00:00Z');

interface Looks {
  readonly state?: V1ContainerState;
  readonly phase?: string;
  readonly ready?: Partial<V1PodCondition>;
  readonly deletedAt?: string;
  readonly node?: string;
}

function podThat({ state, phase = 'Pending', ready, deletedAt, node = 'node1' }: Looks): V1Pod {
  return {
    metadata: {
      name: 'ryax-fit-1',
      uid: 'u1',
      ...(deletedAt && { deletionTimestamp: new Date(deletedAt), deletionGracePeriodSeconds: 30 }),
    },
    spec: { containers: [{ name: 'main', image: 'alpine' }], ...(node && { nodeName: node }) },
    status: {
      phase,
      ...(ready && { conditions: [{ type: 'Ready', status: 'True', ...ready }] }),
      ...(state && {
        containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state }],
      }),
    },
  };
}

const running = (looks: Looks = {}) => podThat({ state: { running: {} }, phase: 'Running', ...looks });
const waiting = (reason: string) => podThat({ state: { waiting: { reason } } });

function stepAt(nowMs: number, watched: Partial<Watched> & Pick<Watched, 'pod'>, told?: Told) {
  const all: Watched = {
    isGone: false,
    waitingSinceMs: 0,
    refusedSinceMs: undefined,
    runningSinceMs: undefined,
    unreachableSinceMs: undefined,
    ...watched,
  };
  return nextStep(all, limits, { monotonicMs: nowMs, wallMs }, told);
}

describe('the next step with a pod', () => {
  it.each([
    ['a node', podThat({ node: '' }), 400],
    ['its image', waiting('ImagePullBackOff'), 100],
    ['its configuration', waiting('CreateContainerConfigError'), 200],
    ['its containers', waiting('ContainerCreating'), 300],
  ])('that waits for %s is to wait until the patience for that is over', (_what, pod, untilMs) => {
    expect(stepAt(untilMs - 1, { pod })).toEqual({ type: 'wait', untilMs });
    expect(stepAt(untilMs, { pod })).toEqual({ type: 'never-started', waitedMs: untilMs });
  });

  it('whose inputs are being brought has the time that this takes, and the patience for a start when it is not known', () => {
    const pod = waiting('PodInitializing');
    const status = { name: 'ryax-inputs', image: '', imageID: '', ready: true, restartCount: 0 };
    Object.assign(pod.status ?? {}, { initContainerStatuses: [{ ...status, state: { running: {} } }] });
    expect(stepAt(299, { pod })).toEqual({ type: 'wait', untilMs: 300 });
    expect(stepAt(10_000, { pod }, { startsByMs: Infinity })).toEqual({ type: 'wait', untilMs: Infinity });
    expect(stepAt(10_299, { pod }, { startsByMs: 10_300 })).toEqual({ type: 'wait', untilMs: 10_300 });
    expect(stepAt(10_300, { pod }, { startsByMs: 10_300 })).toEqual({ type: 'never-started', waitedMs: 10_300 });
  });

  it('that waits for something else now is to wait anew', () => {
    const pod = waiting('ImagePullBackOff');
    expect(stepAt(150, { pod, waitingSinceMs: 100 })).toEqual({ type: 'wait', untilMs: 200 });
  });

  it('whose image is refused is to wait for a shorter time, counted from the refusal', () => {
    const watched = { pod: waiting('ErrImagePull'), refusedSinceMs: 50 };
    expect(stepAt(79, watched)).toEqual({ type: 'wait', untilMs: 80 });
    expect(stepAt(80, watched)).toEqual({ type: 'never-started', waitedMs: 80 });
    expect(stepAt(99, { ...watched, refusedSinceMs: 90 })).toEqual({ type: 'wait', untilMs: 100 });
  });

  it('that runs is to wait until its time limit, counted from when it ran', () => {
    expect(stepAt(1_200, { pod: running(), runningSinceMs: 300 })).toEqual({ type: 'wait', untilMs: 1_300 });
    expect(stepAt(1_300, { pod: running(), runningSinceMs: 300 })).toEqual({ type: 'time-limit', limitMs: 1_000 });
  });

  it('that runs on when the work in it is over is to wait for longer than that, but not for a silent node', () => {
    const watched = { pod: running(), runningSinceMs: 300, unreachableSinceMs: 1_200 };
    expect(stepAt(1_300, watched, { isWorkOver: true })).toEqual({ type: 'wait', untilMs: 1_700 });
    expect(stepAt(1_700, watched, { isWorkOver: true })).toMatchObject({ type: 'give-up' });
  });

  it('that runs without a time limit waits for news alone', () => {
    const watched = {
      pod: running(),
      isGone: false,
      waitingSinceMs: 0,
      refusedSinceMs: undefined,
      runningSinceMs: 0,
      unreachableSinceMs: undefined,
    };
    const now = { monotonicMs: 1e9, wallMs };
    expect(nextStep(watched, { timeLimitMs: null, patience }, now)).toEqual({ type: 'wait', untilMs: Infinity });
  });

  it('whose node is silent is to be given up as lost when the patience for that is over', () => {
    const watched = { pod: running(), runningSinceMs: 0, unreachableSinceMs: 100 };
    expect(stepAt(599, watched)).toEqual({ type: 'wait', untilMs: 600 });
    expect(stepAt(600, watched)).toMatchObject({ type: 'give-up', failure: { kind: 'lost' } });
  });

  it('that is being deleted is given up when nothing is heard of it for a while after its grace', () => {
    expect(stepAt(0, { pod: running({ deletedAt: '2026-11-26T10:00:05Z' }) })).toEqual({
      type: 'wait',
      untilMs: 15_000,
    });
    expect(stepAt(0, { pod: running({ deletedAt: '2026-11-26T09:59:50Z' }) })).toMatchObject({
      type: 'give-up',
      failure: { kind: 'lost' },
    });
  });

  it('that has ended is its outcome, however late it is', () => {
    const ended = podThat({ state: { terminated: { exitCode: 0, message: '{}' } }, phase: 'Running' });
    expect(stepAt(1e9, { pod: ended, runningSinceMs: 0 })).toEqual({
      type: 'end',
      outcome: { status: 'succeeded', terminationMessage: '{}' },
    });
  });

  it('that is gone is the outcome of what it last was', () => {
    expect(stepAt(0, { pod: running(), isGone: true })).toMatchObject({
      type: 'end',
      outcome: { status: 'failed', failure: { kind: 'lost' } },
    });
  });
});

describe('a node is silent', () => {
  it('where a running pod is not ready and no kubelet says why', () => {
    expect(isUnreachable(running({ ready: { status: 'False' } }))).toBe(true);
    expect(isUnreachable(running({ ready: { status: 'Unknown' } }))).toBe(true);
  });

  it('but not where the kubelet says why, where it is ready, or has not started or has ended', () => {
    expect(isUnreachable(running({ ready: { status: 'False', reason: 'ContainersNotReady' } }))).toBe(false);
    expect(isUnreachable(running({ ready: {} }))).toBe(false);
    expect(isUnreachable(podThat({ ready: { status: 'False' } }))).toBe(false);
    const ended = podThat({ state: { terminated: { exitCode: 0 } }, ready: { status: 'False' } });
    expect(isUnreachable(ended)).toBe(false);
  });
});

describe('how long a pod has run', () => {
  it('is counted from what the cluster says, and never less than nothing', () => {
    const since = (text: string) => running({ state: { running: { startedAt: new Date(text) } } });
    expect(ranForMs(since('2026-11-26T09:59:58Z'), wallMs)).toBe(2_000);
    expect(ranForMs(since('2026-11-26T10:00:09Z'), wallMs)).toBe(0);
    expect(ranForMs(podThat({}), wallMs)).toBe(0);
  });
});

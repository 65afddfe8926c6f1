import {
  timestamp,
  type Condition,
  type Container,
  type ContainerState,
  type ContainerStatus,
  type Pod,
  type PodStatus,
} from './objects';

/** All that a status is made from. */
export interface PodFacts {
  readonly phase: string;
  readonly reason?: string;
  readonly message?: string;
  readonly startTime: string;
  readonly hostIP: string;
  /** Given once the pod has its network. */
  readonly podIP?: string;
  readonly states: ReadonlyMap<string, ContainerState>;
  readonly ids: ReadonlyMap<string, string>;
}

export const containerCreating: ContainerState = { waiting: { reason: 'ContainerCreating' } };
export const podInitializing: ContainerState = { waiting: { reason: 'PodInitializing' } };

/** The status as a kubelet reports it. */
export function statusOf(pod: Pod, facts: PodFacts): PodStatus {
  const { spec, metadata } = pod;
  const { phase, reason, message, hostIP, podIP, startTime } = facts;
  const waiting = (spec.initContainers ?? []).length > 0 ? podInitializing : containerCreating;
  const describe = (container: Container) => containerStatus(container, facts, waiting);
  return {
    ...(metadata.generation !== undefined && { observedGeneration: metadata.generation }),
    phase,
    ...(message !== undefined && { message }),
    ...(reason !== undefined && { reason }),
    conditions: conditionsOf(pod, facts),
    hostIP,
    hostIPs: [{ ip: hostIP }],
    ...(podIP !== undefined && { podIP, podIPs: [{ ip: podIP }] }),
    startTime,
    ...(spec.initContainers && { initContainerStatuses: spec.initContainers.map(describe) }),
    containerStatuses: spec.containers.map(describe),
    qosClass: pod.status['qosClass'],
  };
}

function containerStatus({ name, image = '' }: Container, facts: PodFacts, initial: ContainerState): ContainerStatus {
  const state = facts.states.get(name) ?? initial;
  const containerID = facts.ids.get(name);
  const isRunning = state.running !== undefined;
  return {
    name,
    state,
    lastState: {},
    ready: isRunning,
    restartCount: 0,
    image,
    imageID: containerID === undefined ? '' : `sha256:${'0'.repeat(64)}`,
    ...(containerID !== undefined && { containerID }),
    started: isRunning,
  };
}

function conditionsOf(pod: Pod, facts: PodFacts): Condition[] {
  const { spec, status } = pod;
  const { phase, states, podIP } = facts;
  const isOver = phase === 'Succeeded' || phase === 'Failed';
  const ended = [...spec.containers, ...(spec.initContainers ?? [])].map(({ name }) => states.get(name)?.terminated);
  const hasFailed = ended.some((end) => end !== undefined && end.exitCode !== 0);
  const hasCompleted = spec.containers.every(({ name }) => states.get(name)?.terminated?.exitCode === 0);
  const unready = spec.containers.map(({ name }) => name).filter((name) => !states.get(name)?.running);
  const incomplete = (spec.initContainers ?? [])
    .filter(({ name, restartPolicy }) => {
      const state = states.get(name);
      return restartPolicy === 'Always' ? !state?.running && !isOver : state?.terminated?.exitCode !== 0;
    })
    .map(({ name }) => name);

  const unreadyBecause = (): Partial<Condition> => {
    if (phase === 'Failed' || (hasFailed && unready.length === spec.containers.length)) return { reason: 'PodFailed' };
    if (hasCompleted) return { reason: 'PodCompleted' };
    return { reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
  };
  const readiness: Partial<Condition> =
    unready.length === 0 && !isOver ? { status: 'True' } : { status: 'False', ...unreadyBecause() };
  const initialized: Partial<Condition> =
    incomplete.length > 0
      ? {
          status: 'False',
          reason: 'ContainersNotInitialized',
          message: `containers with incomplete status: [${incomplete.join(' ')}]`,
        }
      : { status: 'True', ...(hasCompleted && { reason: 'PodCompleted' }) };

  const { generation } = pod.metadata;
  const reported = (type: string, given: Partial<Condition>) =>
    condition(type, { ...(generation !== undefined && { observedGeneration: generation }), ...given });
  return mergeConditions(status.conditions ?? [], [
    reported('PodReadyToStartContainers', { status: podIP !== undefined && !isOver ? 'True' : 'False' }),
    reported('Initialized', initialized),
    reported('Ready', readiness),
    reported('ContainersReady', readiness),
    reported('PodScheduled', { status: 'True' }),
  ]);
}

export function condition(type: string, facts: Partial<Condition>): Condition {
  return { type, status: 'True', lastProbeTime: null, lastTransitionTime: timestamp(), ...facts };
}

/** The new ones in the place of those of the same type; a time of transition stays where the status stays. */
export function mergeConditions(before: readonly Condition[], next: readonly Condition[]): Condition[] {
  const merged = next.map((one) => {
    const earlier = before.find(({ type }) => type === one.type);
    if (earlier?.status !== one.status || earlier.lastTransitionTime === undefined) return one;
    return { ...one, lastTransitionTime: earlier.lastTransitionTime };
  });
  return [...merged, ...before.filter(({ type }) => !next.some((one) => one.type === type))];
}

/** Requests and limits decide it, as far as tests look: all equal, some, none. */
export function qosClassOf(containers: readonly Container[]): string {
  const all = containers.map(({ resources = {} }) => resources);
  if (all.every(({ requests, limits }) => !requests && !limits)) return 'BestEffort';
  const isGuaranteed = all.every(
    ({ requests, limits }) =>
      limits?.['cpu'] !== undefined &&
      limits['memory'] !== undefined &&
      (requests?.['cpu'] ?? limits['cpu']) === limits['cpu'] &&
      (requests?.['memory'] ?? limits['memory']) === limits['memory'],
  );
  return isGuaranteed ? 'Guaranteed' : 'Burstable';
}

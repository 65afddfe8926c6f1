import fc from 'fast-check';
import type { V1Pod } from '@kubernetes/client-node';
import { failureSchema } from '@ryax/contracts';
import { pendingFailure } from './pending-cause';
import { gonePodOutcome, podOutcome } from './pod-outcome';
import { recordedNames, recordedPods } from './testing/recorded';

/** Anything that the API may leave out it leaves out, or says null. */
function some(fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> {
  const nullable = Object.entries(fields).map(([name, value]) => [name, fc.option(value, { freq: 8 })]);
  return fc.record(Object.fromEntries(nullable), { requiredKeys: [] });
}

const text = fc.constantFrom('', 'x', 'secret "nope" not found', 'Back-off pulling image "x"');
const second = fc.integer({ min: 0, max: 20 }).map((seconds) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)));
const time = fc.oneof(
  second,
  second.map((date) => date.toISOString()),
  fc.constant('never'),
);
const name = fc.constantFrom('main', 'init', 'sidecar');
const state = some({
  waiting: some({
    reason: fc.constantFrom('', 'ContainerCreating', 'ErrImagePull', 'RunContainerError'),
    message: text,
  }),
  running: some({ startedAt: time }),
  terminated: some({
    exitCode: fc.constantFrom(0, 1, 137, 255),
    reason: fc.constantFrom('Completed', 'Error', 'OOMKilled', 'StartError', 'ContainerStatusUnknown', 'Unknown'),
    message: text,
    finishedAt: time,
  }),
});
const statuses = fc.array(some({ name, state }), { maxLength: 3 });
const amounts = fc.dictionary(fc.constantFrom('memory', 'cpu', 'ephemeral-storage'), text);
const containers = fc.array(
  some({
    name,
    image: text,
    restartPolicy: fc.constant('Always'),
    resources: some({ limits: amounts, requests: amounts }),
  }),
  { maxLength: 3 },
);
const condition = some({
  type: fc.constantFrom('PodScheduled', 'Ready', 'DisruptionTarget'),
  status: fc.constantFrom('True', 'False', 'Unknown'),
  reason: fc.constantFrom('Unschedulable', 'DeletionByTaintManager', 'DeletionByPodGC', 'TerminationByKubelet'),
  message: text,
  lastTransitionTime: time,
});
const pods = some({
  metadata: some({ name: text, uid: text, deletionTimestamp: time, deletionGracePeriodSeconds: fc.nat(30) }),
  spec: some({
    nodeName: text,
    activeDeadlineSeconds: fc.nat(10),
    containers,
    initContainers: containers,
    imagePullSecrets: fc.array(some({ name: text })),
  }),
  status: some({
    phase: fc.constantFrom('Pending', 'Running', 'Succeeded', 'Failed', 'Unknown', ''),
    reason: fc.constantFrom('', 'Evicted', 'DeadlineExceeded', 'Terminated', 'OutOfcpu'),
    message: text,
    startTime: time,
    conditions: fc.array(condition, { maxLength: 3 }),
    containerStatuses: statuses,
    initContainerStatuses: statuses,
  }),
}) as fc.Arbitrary<V1Pod>;
const events = fc.array(
  some({
    type: fc.constantFrom('Warning', 'Normal'),
    reason: fc.constantFrom('FailedMount', 'MissingClusterDNS', 'FailedScheduling'),
    message: text,
    involvedObject: some({ uid: text }),
    metadata: some({ creationTimestamp: time }),
    series: some({ lastObservedTime: time }),
    lastTimestamp: time,
  }),
) as fc.Arbitrary<never>;

function freeze(value: unknown): void {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
}

describe('the outcome of a pod', () => {
  it('is the same for the same pod, of whatever shape, listed or watched, and leaves it as it is', () => {
    fc.assert(
      fc.property(pods, (pod) => {
        freeze(pod);
        const outcome = podOutcome(pod);
        expect(podOutcome(JSON.parse(JSON.stringify(pod)) as V1Pod)).toEqual(outcome);
        if (outcome.status === 'failed') failureSchema.parse(outcome.failure);
      }),
      { numRuns: 2_000 },
    );
  });

  it('is final for a pod that is gone', () => {
    fc.assert(fc.property(pods, (pod) => expect(['succeeded', 'failed']).toContain(gonePodOutcome(pod).status)));
  });

  it('is found for any pod that waits', () => {
    fc.assert(
      fc.property(pods, events, (pod, seen) => {
        const failure = failureSchema.parse(pendingFailure(pod, seen, 60_000));
        expect(['image', 'rejected', 'lost']).toContain(failure.kind);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(recordedNames)('once decided stays decided: %s', (recorded) => {
    const outcomes = recordedPods(recorded).map(({ object }) => podOutcome(object));
    const verdicts = outcomes.filter(({ status }) => status === 'succeeded' || status === 'failed');
    const from = outcomes.findIndex(({ status }) => status === 'succeeded' || status === 'failed');

    expect(verdicts).toEqual(verdicts.map(() => verdicts[0]));
    if (from !== -1) expect(outcomes.slice(from)).toEqual(verdicts);
  });
});

import type { CoreV1Event, V1Pod } from '@kubernetes/client-node';
import { pendingFailure } from './pending-cause';
import { withMain, withSpec } from './testing/pod-states';
import { recordedEvents, recordedPods } from './testing/recorded';

function lastOf(name: string): V1Pod {
  const seen = recordedPods(name).at(-1);
  if (seen === undefined) throw new Error(`Nothing was recorded of ${name}`);
  return seen.object;
}

function failureOf(name: string, events = recordedEvents(name)) {
  return pendingFailure(lastOf(name), events, 300_000);
}

function warning(reason: string, message: string, fields: Partial<CoreV1Event> = {}): CoreV1Event {
  return { metadata: {}, involvedObject: {}, type: 'Warning', reason, message, ...fields };
}

describe('a pod that has waited too long for its image', () => {
  it('says why the pull fails, and what to look at', () => {
    const failure = failureOf('noimage');

    expect(failure).toMatchObject({
      kind: 'image',
      details: { pod: 'noimage', node: 'node-a', container: 'main', image: 'registry.example/nope:1' },
    });
    expect(failure.message).toMatch(
      /^The image registry.example\/nope:1 cannot be had after 300 s: failed to pull .*i\/o timeout\. Check its name, that the nodes reach its registry, and the image pull secrets \(none is set\)$/,
    );
  });

  it('says the same between two tries', () => {
    const backingOff = recordedPods('noimage').find(
      ({ object }) => object.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'ImagePullBackOff',
    );

    expect(pendingFailure(backingOff?.object ?? {}, [], 300_000).message).toContain('i/o timeout');
  });

  it('takes the cause from its events where the container only says that it backs off', () => {
    const message = 'Back-off pulling image "registry.example/nope:1"';
    const pod = withMain(lastOf('noimage'), { waiting: { reason: 'ImagePullBackOff', message } });

    expect(pendingFailure(pod, recordedEvents('noimage'), 300_000).message).toContain('i/o timeout');
    expect(pendingFailure(pod, [], 300_000).message).toContain(message);
    const silent = withMain(pod, { waiting: { reason: 'ErrImagePull' } });
    expect(pendingFailure(silent, recordedEvents('noimage'), 300_000).message).toContain('i/o timeout');
    expect(pendingFailure(silent, [], 300_000).message).toContain('ErrImagePull');
  });

  it('names the pull secrets where the registry lets nobody in', () => {
    const pod = withMain(lastOf('noimage'), {
      waiting: { reason: 'ErrImagePull', message: 'pull access denied, insufficient_scope: authorization failed' },
    });
    const { message } = pendingFailure(withSpec(pod, { imagePullSecrets: [{ name: 'regcred' }] }), [], 300_000);

    expect(message).toContain('Check that the registry lets the image pull secrets in (regcred)');
  });

  it('has its name or tag corrected where the registry has none such', () => {
    const pod = withMain(lastOf('noimage'), {
      waiting: { reason: 'ErrImagePull', message: 'registry.example/nope:1: not found' },
    });

    expect(pendingFailure(pod, [], 300_000).message).toContain("Check the image's name and tag");
  });

  it('has an invalid name corrected', () => {
    expect(failureOf('badname')).toMatchObject({
      kind: 'image',
      message: expect.stringMatching(
        /repository name \(UPPER\) must be lowercase\. Correct the image's name in the action$/,
      ),
    });
  });

  it('has an image loaded that may not be pulled', () => {
    expect(failureOf('never')).toMatchObject({
      kind: 'image',
      message: expect.stringContaining('not present with pull policy of Never. Load it on the nodes'),
    });
  });
});

describe('a pod that has waited too long for what it refers to', () => {
  it('names a secret that is not there, and where it should be', () => {
    expect(failureOf('nosecret')).toMatchObject({
      kind: 'rejected',
      message:
        'The container main cannot be made after 300 s: secret "nope" not found. ' +
        'Create the secret nope in the namespace actions, or do not ask for it',
    });
  });

  it('names a volume that cannot be mounted, of which only events tell', () => {
    expect(failureOf('novolume')).toMatchObject({
      kind: 'rejected',
      message:
        'The pod cannot start after 300 s: MountVolume.SetUp failed for volume "v" : configmap "nope" not found. ' +
        'Create the configmap nope in the namespace actions, or do not ask for it',
      details: { reason: 'FailedMount' },
    });
  });

  it.each(['MissingClusterDNS', 'DNSConfigForming', 'FailedScheduling', 'Unhealthy'])(
    'passes over warnings that hold up nothing any more, however new: %s',
    (reason) => {
      const harmless = warning(reason, 'harmless', { lastTimestamp: new Date('2027-01-01') });

      expect(failureOf('novolume', [harmless, ...recordedEvents('novolume')]).message).toContain('MountVolume');
    },
  );

  it('passes over events that are no warnings', () => {
    const normal = warning('Pulled', 'pulled', { type: 'Normal', lastTimestamp: new Date('2027-01-01') });

    expect(failureOf('novolume', [normal, ...recordedEvents('novolume')]).message).toContain('MountVolume');
  });

  it('passes over warnings about an earlier pod of its name', () => {
    const other = warning('FailedMount', 'of another', {
      involvedObject: { uid: 'another' },
      lastTimestamp: new Date('2027-01-01'),
    });

    expect(failureOf('novolume', [other, ...recordedEvents('novolume')]).message).not.toContain('of another');
  });

  it('takes the newest warning, wherever the event keeps its time', () => {
    const older = warning('FailedAttachVolume', 'older', { eventTime: new Date('2027-01-01') });
    const newer = warning('FailedMount', 'newer', {
      eventTime: new Date('2026-12-01'),
      series: { lastObservedTime: new Date('2027-01-02') },
    });

    expect(failureOf('novolume', [newer, older]).message).toContain('newer');
    expect(failureOf('novolume', [older, newer]).message).toContain('newer');
  });
});

describe('a pod that has waited too long for a node', () => {
  it('says what the scheduler says, and what the pod asks for', () => {
    expect(failureOf('toobig')).toMatchObject({
      kind: 'rejected',
      message:
        'No node has taken the pod after 300 s: 0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, ' +
        'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling. ' +
        'It asks for cpu 64: ask for less, or make room',
    });
  });

  it('takes the cause from its events where it has no condition yet', () => {
    const [unseen] = recordedPods('toobig');

    expect(unseen?.object.status?.conditions).toBeUndefined();
    expect(pendingFailure(unseen?.object ?? {}, recordedEvents('toobig'), 300_000).message).toContain(
      'Insufficient cpu',
    );
  });

  it('has its scheduler checked where none has looked at it', () => {
    const [unseen] = recordedPods('toobig');

    expect(pendingFailure(unseen?.object ?? {}, [], 300_000)).toMatchObject({
      kind: 'rejected',
      message: 'No node has taken the pod after 300 s: no scheduler has looked at it. Check its schedulerName',
    });
  });
});

describe('a pod that has waited too long for no fault of its own', () => {
  it('is lost when its node cannot give it a network', () => {
    const trouble = warning('FailedCreatePodSandBox', 'failed to set up the network of the sandbox');

    expect(failureOf('novolume', [trouble])).toMatchObject({
      kind: 'lost',
      message: 'The pod cannot start after 300 s: failed to set up the network of the sandbox',
    });
  });

  it('is lost when the cluster does not say why', () => {
    expect(failureOf('novolume', [])).toMatchObject({
      kind: 'lost',
      message: 'The pod has not started after 300 s, and the cluster does not say why; look at its node',
    });
  });
});

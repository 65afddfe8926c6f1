import type { V1Pod } from '@kubernetes/client-node';
import { launchFrom } from './launch-origin';
import type { Origin } from './ownership';

const origin: Origin = {
  reply_partition: 3,
  since: 1_000,
  timeout_ms: null,
  resources: {},
  action: { type: 'container', outputs: [] },
};

describe('a launch that is told from its pod', () => {
  it('has the image of the action, wherever somebody has put another container', () => {
    const containers = [
      { name: 'proxy', image: 'mesh:1' },
      { name: 'main', image: 'quakes:1' },
    ];
    const pod: V1Pod = { metadata: { name: 'fit' }, spec: { containers } };
    const identity = { project: 'default', runId: 'r', execution: 'fit', attempt: 1 };
    expect(launchFrom(pod, identity, origin).action).toMatchObject({ type: 'container', image: 'quakes:1' });
  });
});

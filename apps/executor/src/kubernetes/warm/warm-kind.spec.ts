import { tokenIn, warmPodFor } from '../pod-spec';
import { identityOf } from '../labels';
import { containerLaunch } from '../testing/launches';
import { poolOf, siteWith } from '../testing/sites';
import { isWarm, keyOf, kindOf, kindOfPod } from './warm-kind';

const contentHash = `sha256:${'ab12'.repeat(16)}`;
const site = siteWith({ actionImages: 'registry.example/actions' });
const podOf = (resources = {}) => {
  const kind = kindOf(containerLaunch({ resources }), contentHash);
  const served = { image: 'registry.example/actions:1', token: 'a token', idleSeconds: 600 };
  return warmPodFor('ryax-warm-1', kind, served, poolOf(site, 'default'), site);
};

describe('the kind of a warm pod', () => {
  it('is told by the pod itself, which is of no attempt', () => {
    const resources = { cpu: 0.5, memory_bytes: 1_048_576 };
    const pod = podOf({ ...resources, time_ms: 5_000 });
    expect(isWarm(pod)).toBe(true);
    expect(kindOfPod(pod)).toEqual({ project: containerLaunch().project, content_hash: contentHash, resources });
    expect(identityOf(pod)).toBeUndefined();
    expect(tokenIn(pod)).toBe('a token');
  });

  it('is another one for another project, content or amount, and the same for another time', () => {
    const key = (fields: Parameters<typeof containerLaunch>[0], hash = contentHash) =>
      keyOf(kindOf(containerLaunch(fields), hash));
    const keys = [
      key({}),
      key({ project: 'other' }),
      key({}, `sha256:${'cd34'.repeat(16)}`),
      key({ resources: { cpu: 1 } }),
      key({ resources: { memory_bytes: 1 } }),
      key({ resources: { gpu: 1 } }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(key({ resources: { time_ms: 1 }, timeoutMs: 5 })).toBe(key({}));
  });

  it('is unknown where somebody has changed it', () => {
    for (const changed of ['{"project": 7}', 'no JSON', undefined]) {
      const pod = podOf();
      Object.assign(pod.metadata ?? {}, { annotations: { 'ryax.tech/warm': changed } });
      expect(kindOfPod(pod)).toBeUndefined();
    }
  });

  it('gives its pod no deadline: work may be long, and a server without any ends by itself', () => {
    const { spec } = podOf({ time_ms: 5_000 });
    expect(spec?.activeDeadlineSeconds).toBeUndefined();
    expect(spec?.containers[0]?.env).toContainEqual({ name: 'RYAX_IDLE_SECONDS', value: '600' });
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { faultsOf, missingFields } from './kubernetes-models';

const folder = join(__dirname, '../../apps/executor/src/kubernetes/testing/golden');
const pods = readdirSync(folder).map((file) => ({
  file,
  pod: JSON.parse(readFileSync(join(folder, file), 'utf8')) as object,
}));

describe('the pods of executions', () => {
  it.each(pods)('$file has only fields that the API knows, of the right types', ({ pod }) => {
    expect(faultsOf(pod, 'V1Pod', '')).toEqual([]);
  });

  it('have every field that the API requires', () => {
    expect(pods.length).toBeGreaterThan(0);
    expect(missingFields(pods.map(({ pod }) => pod))).toEqual([]);
  });

  it('would be found out, so that passing means something', () => {
    const wrong = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'x' },
      spec: { containers: [{ image: 'alpine', comand: ['true'], env: [{ name: 'COUNT', value: 3 }] }] },
    };
    expect(missingFields([wrong])).toEqual([expect.stringContaining('name')]);
    expect(faultsOf(wrong, 'V1Pod', '')).toEqual([
      '.spec.containers[0].comand: unknown to V1Container',
      '.spec.containers[0].env[0].value: expected a string, found 3',
    ]);
  });
});

import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { useKubernetes } from '../index';
import type { Volume } from './objects';
import { ask, createPod, podsPath, shellPod, waitForPhase } from './testing/client';

const inputs = { region: 'Crete', quote: '"$(date)" $$ é', tags: ['a', 'b'], nothing: null };
const variables = {
  region: 'Crete',
  price: '$$5 $$(date) $$$$',
  RYAX_INPUTS: '/run/ryax/inputs.json',
  RYAX_OUTPUTS: '/dev/termination-log',
};

/** A pod as the executor makes it of a command of an image, every dollar sign of which is doubled. */
function executorPod(name: string, script: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      labels: { 'app.kubernetes.io/managed-by': 'ryax-executor', 'ryax.tech/pool': 'default' },
      annotations: { 'ryax.tech/run': '4f7c1e9a2b', 'ryax.tech/inputs': JSON.stringify(inputs) },
    },
    spec: {
      enableServiceLinks: false,
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 30,
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'main',
          image: 'alpine:3.20',
          command: ['sh', '-c', script.replaceAll('$', '$$$$')],
          env: Object.entries(variables).map(([key, value]) => ({ name: key, value })),
          resources: { requests: {}, limits: {} },
          securityContext: { readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'FallbackToLogsOnError',
          volumeMounts: [
            { name: 'ryax-inputs', mountPath: '/run/ryax', readOnly: true },
            { name: 'ryax-tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        {
          name: 'ryax-inputs',
          downwardAPI: {
            items: [{ path: 'inputs.json', fieldRef: { fieldPath: "metadata.annotations['ryax.tech/inputs']" } }],
          },
        },
        { name: 'ryax-tmp', emptyDir: {} },
      ],
    },
  };
}

describe('a pod as the executor makes it', () => {
  const server = useKubernetes();

  async function outcomeOf(pod: object, name: string, phase = 'Succeeded') {
    await createPod(server(), pod);
    const { status } = await waitForPhase(server(), name, phase);
    const log = await ask(server(), 'GET', `${podsPath}/${name}/log`);
    return { message: status.containerStatuses?.[0]?.state.terminated?.message, log: log.text };
  }

  it('finds all its inputs, as they were given, in the file that $RYAX_INPUTS names', async () => {
    const { log } = await outcomeOf(executorPod('reads', 'cat "$RYAX_INPUTS"'), 'reads');
    expect(JSON.parse(log)).toEqual(inputs);
  });

  it('finds them under the name of the file as well', async () => {
    const { log } = await outcomeOf(executorPod('reads', 'cat /run/ryax/inputs.json'), 'reads');
    expect(JSON.parse(log)).toEqual(inputs);
  });

  it('leaves its outputs in its status by $RYAX_OUTPUTS', async () => {
    const script = `printf '{"region":"%s","count":3}' "$region" > "$RYAX_OUTPUTS"; echo done`;
    expect(await outcomeOf(executorPod('writes', script), 'writes')).toEqual({
      message: '{"region":"Crete","count":3}',
      log: 'done\n',
    });
  });

  it('has what its shell makes of dollar signs, not what Kubernetes would', async () => {
    const script = `echo "$(echo "by shell" $((1 + 1)))" '$(region) $$ $region' "$price"`;
    const { log } = await outcomeOf(executorPod('dollars', script), 'dollars');
    expect(log).toBe('by shell 2 $(region) $$ $region $5 $(date) $$\n');
  });

  it('has the end of its log as its message where it failed without one', async () => {
    const { message } = await outcomeOf(executorPod('fails', 'echo why; exit 2'), 'fails', 'Failed');
    expect(message).toBe('why\n');
  });

  it('has a /tmp of its own for scratch files', async () => {
    const script = 'echo kept > /tmp/scratch; cat /tmp/scratch; ls /tmp';
    expect((await outcomeOf(executorPod('scratch', script), 'scratch')).log).toBe('kept\nscratch\n');
    expect(readdirSync(tmpdir())).not.toContain('scratch');
  });

  it('keeps the end of a message of more than 4,096 bytes', async () => {
    const script = `printf 'a%.0s' $(seq 100) > $RYAX_OUTPUTS; printf 'b%.0s' $(seq 4096) >> $RYAX_OUTPUTS`;
    expect((await outcomeOf(executorPod('long', script), 'long')).message).toBe('b'.repeat(4_096));
  });
});

describe('a volume that shows its pod', () => {
  const server = useKubernetes();
  const metadata = { labels: { b: '2', a: '1' }, annotations: { 'x/y': 'line\n"two"' } };

  function podWith(items: NonNullable<Volume['downwardAPI']>['items'], script = 'true'): object {
    const container = { volumeMounts: [{ name: 'self', mountPath: '/self' }] };
    const pod = shellPod('p', script, { container, spec: { volumes: [{ name: 'self', downwardAPI: { items } }] } });
    return { ...pod, metadata: { name: 'p', ...metadata } };
  }

  it.each([
    ['metadata.name', 'p'],
    ['metadata.namespace', 'default'],
    ["metadata.labels['a']", '1'],
    ["metadata.annotations['x/y']", 'line\n"two"'],
    ["metadata.annotations['absent']", ''],
    ['metadata.labels', 'a="1"\nb="2"'],
    ['metadata.annotations', String.raw`x/y="line\n\"two\""`],
  ])('shows %s in a file', async (fieldPath, expected) => {
    await createPod(server(), podWith([{ path: 'deep/file', fieldRef: { fieldPath } }], 'cat /self/deep/file'));
    await waitForPhase(server(), 'p', 'Succeeded');
    expect((await ask(server(), 'GET', `${podsPath}/p/log`)).text).toBe(expected);
  });

  it('shows its uid', async () => {
    await createPod(server(), podWith([{ path: 'uid', fieldRef: { fieldPath: 'metadata.uid' } }], 'cat /self/uid'));
    const { metadata: created } = await waitForPhase(server(), 'p', 'Succeeded');
    expect((await ask(server(), 'GET', `${podsPath}/p/log`)).text).toBe(created.uid);
  });

  it.each([
    [
      { path: 'f', fieldRef: { fieldPath: 'spec.nodeName' } },
      'fieldRef.fieldPath: Unsupported value: "spec.nodeName": supported values: "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"',
    ],
    [{ path: '../f', fieldRef: { fieldPath: 'metadata.name' } }, `path: Invalid value: "../f": must not contain '..'`],
    [{ path: '/f', fieldRef: { fieldPath: 'metadata.name' } }, 'path: Invalid value: "/f": must be a relative path'],
  ])('is refused where no file may show that: %j', async (item, why) => {
    const answer = await ask(server(), 'POST', podsPath, { body: podWith([item]) });
    expect(answer.json()).toMatchObject({
      code: 422,
      message: `Pod "p" is invalid: spec.volumes[0].downwardAPI.${why}`,
    });
  });
});

describe('references in the command, the arguments and the variables of a container', () => {
  const server = useKubernetes({ images: { 'app:1': { command: ['sh'], env: { FROM_IMAGE: 'image' } } } });

  it.each([
    ['$(A)', 'a'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$(B)', 'a $(A) $(C)'],
    ['$(absent)', '$(absent)'],
    ['$(not $$ a name)', '$(not $$ a name)'],
    ['$( $$', '$( $'],
    ['$A $', '$A $'],
    ['$(HOSTNAME) $(HOME) $(FROM_IMAGE)', '$(HOSTNAME) $(HOME) $(FROM_IMAGE)'],
  ])('%s becomes %s', async (given, expected) => {
    const env = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A) $$(A) $(C)' },
      { name: 'C', value: 'later' },
      { name: 'GIVEN', value: given },
    ];
    const script = 'printf "%s\\n" "$GIVEN" "$@"';
    const container = { image: 'app:1', command: ['sh', '-c', script, '0', given], args: [given], env };
    await createPod(server(), shellPod('p', '', { container }));
    await waitForPhase(server(), 'p', 'Succeeded');
    expect((await ask(server(), 'GET', `${podsPath}/p/log`)).text).toBe(`${expected}\n`.repeat(3));
  });

  it('is a path where it lies, though it lies in a folder of the name of another', async () => {
    const container = {
      env: [{ name: 'FILE', value: '/tmp/file' }],
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
      command: ['sh', '-c', 'echo text > "$FILE"; cat $(FILE)'],
    };
    await createPod(server(), shellPod('p', '', { container, spec: { volumes: [{ name: 'tmp', emptyDir: {} }] } }));
    await waitForPhase(server(), 'p', 'Succeeded');
    expect((await ask(server(), 'GET', `${podsPath}/p/log`)).text).toBe('text\n');
  });
});

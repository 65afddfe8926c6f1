import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore, openSecrets, type Secrets } from '@ryax/filestore';
import type { InputSources } from '../../process/inputs';
import { ValueCache } from '../../process/value-cache';
import { containerLaunch } from '../testing/launches';
import { planCommand } from './command-plan';

const hash = `sha256:${'a'.repeat(64)}`;
const fileNamed = (name: string) => ({ $file: hash, name, size: 1, kind: 'file' });

describe('how the inputs of a command come into its pod', () => {
  let directory: string;
  let sources: InputSources;
  let secrets: Secrets;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-plan-'));
    const files = await LocalFileStore.open(directory);
    secrets = await openSecrets(files, { directory });
    sources = { files, secrets, values: new ValueCache(files, 1024), inlineValueBytes: 64 * 1024 };
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const secret = async (text: string): Promise<JsonObject> => ({
    ...(await secrets.put({ streamId: 'run/default/r', path: `inputs.${text}` }, text)),
  });
  const plan = (inputs: JsonObject, outputs: JsonObject[] = []) =>
    planCommand(containerLaunch({ inputs, action: { outputs } }), sources);

  it('is an annotation where they are plain, and nothing else', async () => {
    const inputs = { text: 'a', number: 1 };
    const { carried, ...rest } = await plan(inputs, [{ name: 'x', type: 'json' }]);
    expect(carried).toMatchObject({ by: 'annotation', values: inputs, passwords: [] });
    expect(carried.given).toBeUndefined();
    expect(rest).toMatchObject({ needsFiles: undefined, secret: undefined, secrets: [] });
  });

  it('is by files where one of them is one: their paths are known before they are brought', async () => {
    const inputs = { rows: fileNamed('rows.csv'), deep: [{ x: fileNamed('../x') }], text: 'a' };
    const { carried, needsFiles } = await plan(inputs);
    expect(carried).toMatchObject({
      by: 'files',
      values: { rows: '/run/ryax/1/rows.csv', deep: [{ x: { $file: '/run/ryax/2/x' } }], text: 'a' },
      given: inputs,
    });
    expect(needsFiles).toBe('The command takes files');
  });

  it('is by files where a file or directory is to be returned', async () => {
    expect((await plan({}, [{ name: 'chart', type: 'file' }])).needsFiles).toBe('The command returns the file chart');
  });

  it('is by files where they take more than an annotation: what a successor needs goes to the filestore', async () => {
    const { carried, needsFiles, tooLong } = await plan({ small: 'x', large: 'x'.repeat(250_000) });
    expect(carried.by).toBe('files');
    expect(needsFiles).toContain('The inputs take 250024 bytes as JSON');
    expect(tooLong).toEqual(['large']);
    expect(JSON.stringify(carried.given).length).toBeLessThan(1_000);
    expect(Object.keys(carried.given ?? {})).toEqual(['small', 'large']);
  });

  it('bounds the variables of a pod together', async () => {
    const inputs = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, name.repeat(90_000)]));
    const { carried, tooLong } = await plan(inputs);
    expect(carried.by).toBe('files');
    expect(tooLong).toEqual(['c']);
  });

  it('leaves passwords to a Secret alone: only references to them stand in the pod', async () => {
    const password = await secret('opensesame');
    const { carried, secret: content, secrets: masked } = await plan({ password, user: 'Ada' });
    expect(carried).toEqual({
      by: 'secret',
      values: { user: 'Ada' },
      passwords: ['password'],
      longest: 200_000,
      given: { password, user: 'Ada' },
    });
    expect(content).toEqual({ password: 'opensesame', 'inputs.json': '{"password":"opensesame","user":"Ada"}' });
    expect(masked).toEqual(['opensesame']);
  });

  it('brings the file of all inputs with the files where there are both', async () => {
    const { carried, secret: content } = await plan({ password: await secret('opensesame'), x: fileNamed('x') });
    expect(carried).toMatchObject({ by: 'files', passwords: ['password'] });
    expect(JSON.stringify(carried)).not.toContain('opensesame');
    expect(content).toEqual({ password: 'opensesame' });
  });
});

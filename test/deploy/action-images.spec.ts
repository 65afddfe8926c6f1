import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '..', '..');

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** A Dockerfile's instructions, with their continued lines as one. */
function read(runtime: string): readonly Instruction[] {
  const text = readFileSync(join(root, 'deploy', 'action-images', runtime, 'Dockerfile'), 'utf8');
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const whole = lines.join('\n').replaceAll('\\\n', ' ');
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ name: line.split(' ', 1)[0] ?? '', text: line.slice(line.indexOf(' ') + 1) }));
}

describe.each([
  ['python3', 'python:3.12-slim'],
  ['nodejs', 'node:20-slim'],
])('the image of a %s action', (runtime, base) => {
  const instructions = read(runtime);
  const textsOf = (name: string) => instructions.filter((each) => each.name === name).map(({ text }) => text);

  it('has a public base image, which may be replaced', () => {
    expect(instructions.slice(0, 2)).toEqual([
      { name: 'ARG', text: `BASE_IMAGE=${base}` },
      { name: 'FROM', text: '${BASE_IMAGE}' },
    ]);
  });

  it('consists of what the command line puts into its context', () => {
    expect(textsOf('COPY').map((text) => text.replace(/^--chown=\S+ /, ''))).toEqual([
      'runtime/ /ryax/runtime/',
      'action/ /ryax/action/',
    ]);
  });

  it('is run by a user other than root, whom its files belong to', () => {
    expect(textsOf('USER')).toEqual(['10001:10001']);
    expect(textsOf('COPY').at(-1)).toContain('--chown=10001:10001');
  });

  it('starts the server that there is, under a first process', () => {
    const [entrypoint = '[]'] = textsOf('ENTRYPOINT');
    const [init, , , server = ''] = JSON.parse(entrypoint) as readonly string[];

    expect(init).toBe('tini');
    expect(existsSync(join(root, server.replace('/ryax/runtime', `runtimes/${runtime}`)))).toBe(true);
  });

  it('is built by commands that a shell can read', () => {
    for (const command of textsOf('RUN')) {
      const { status, stderr } = spawnSync('sh', ['-n', '-c', command], { encoding: 'utf8' });
      expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
    }
  });

  it('documents each build argument above the first instruction', () => {
    const text = readFileSync(join(root, 'deploy', 'action-images', runtime, 'Dockerfile'), 'utf8');
    const comment = text.slice(0, text.indexOf('\nARG'));

    for (const argument of textsOf('ARG')) expect(comment).toContain(`# ${argument.split('=', 1)[0] ?? ''} `);
  });
});

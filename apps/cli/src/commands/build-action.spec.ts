import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { json } from '../testing/fake-engine';
import { ryax, ryaxAt } from '../testing/ryax';

/** Writes its arguments, one a line, and keeps what it is to build from; then does as `builder-does` says. */
const fakeBuilder = `#!/bin/sh
here=$(dirname "$0")/..
printf '%s\\n' "$(basename "$0")" "$@" >> "$here/asked"
for context; do :; done
[ -d "$context" ] && cp -Rp "$context" "$here/context"
echo "step 1 of 1"
. "$here/builder-does"
`;

let folder: string;
let bin: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryax-build-'));
  bin = join(folder, 'bin');
  await mkdir(bin);
  await put('builder-does', 'exit 0');
});
afterEach(() => rm(folder, { recursive: true }));

async function put(name: string, content: string, mode = 0o644): Promise<void> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  await chmod(path, mode);
}

async function install(...names: readonly string[]): Promise<void> {
  for (const name of names) await put(`bin/${name}`, fakeBuilder, 0o755);
}

async function putAction(spec: object = {}, files: Readonly<Record<string, string>> = { 'ryax_handler.py': '' }) {
  const whole = { id: 'greet', version: '1.0', type: 'python3', ...spec };
  const metadata = { apiVersion: 'ryax.tech/v2.0', kind: 'Processor', spec: whole };
  await put('action/ryax_metadata.yaml', JSON.stringify(metadata)); // which is YAML, too
  for (const [name, content] of Object.entries(files)) await put(`action/${name}`, content);
}

/** There is no engine: it is not asked. */
function build(...args: readonly string[]) {
  return ryaxAt('http://127.0.0.1:1', 'actions', 'build', join(folder, 'action'), '--builder-path', bin, ...args);
}

async function asked(): Promise<readonly string[]> {
  return (await readFile(join(folder, 'asked'), 'utf8')).trimEnd().split('\n');
}

describe('actions build', () => {
  it('has the builder make the image, shows what it writes, and prints the image’s name alone', async () => {
    await install('docker');
    await putAction();

    const { status, out, notes } = await build();

    expect({ status, out, notes }).toEqual({ status: 0, out: 'ryax-action/greet:1.0\n', notes: 'step 1 of 1\n' });
    const [name, command, ...rest] = await asked();
    const context = rest.at(-1) ?? '';
    expect([name, command]).toEqual(['docker', 'build']);
    expect(rest).toEqual(['--tag', 'ryax-action/greet:1.0', '--file', join(context, 'Dockerfile'), context]);
    await expect(stat(context)).rejects.toThrow('ENOENT');
  });

  it('is also asked for by the singular, as it is about one action', async () => {
    await install('docker');
    await putAction();
    const path = join(folder, 'action');
    const { out } = await ryaxAt('http://127.0.0.1:1', 'action', 'build', path, '--builder-path', bin);
    expect(out).toBe('ryax-action/greet:1.0\n');
  });

  it.each([
    ['python3', 'ryax_handler.py', 'server.py'],
    ['python3-cuda', 'ryax_handler.py', 'server.py'],
    ['nodejs', 'ryax_handler.js', 'server.cjs'],
  ])('gives it what an image of type %s consists of, readable for everybody', async (type, entry, server) => {
    await install('docker');
    await putAction({ type }, { [entry]: 'code', 'lib/.git/config': '', 'lib/data': 'x', '__pycache__/a': '' });
    await put('action/tool.sh', '', 0o700);
    await chmod(join(folder, 'action', entry), 0o600);

    expect((await build()).status).toBe(0);

    const inContext = (...path: readonly string[]) => join(folder, 'context', ...path);
    expect(await readFile(inContext('Dockerfile'), 'utf8')).toContain(`"/ryax/runtime/${server}"`);
    expect(await readdir(inContext('runtime'))).toContain(server);
    expect((await readdir(inContext('action'))).sort()).toEqual(['lib', entry, 'ryax_metadata.yaml', 'tool.sh'].sort());
    expect(await readdir(inContext('action/lib'))).toEqual(['data']);
    expect((await stat(inContext('action', entry))).mode & 0o777).toBe(0o644);
    expect((await stat(inContext('action/tool.sh'))).mode & 0o777).toBe(0o755);
  });

  it.each([
    [['docker', 'podman', 'buildah'], 'docker'],
    [['buildah', 'podman'], 'podman'],
    [['buildah'], 'buildah'],
  ])('of %j takes %s', async (installed, taken) => {
    await install(...installed);
    await putAction();

    expect((await build()).status).toBe(0);

    expect((await asked())[0]).toBe(taken);
  });

  it('takes the builder that is asked for, and passes build arguments on after its own', async () => {
    await install('docker', 'podman');
    await putAction({ options: { 'python.version': '3.11' } });

    await build('--builder', 'podman', '--tag', 'here/x:2', '--build-arg', 'A=1', '--build-arg', 'BASE_IMAGE=mine');

    const all = await asked();
    expect(all[0]).toBe('podman');
    expect(all.slice(2, 4)).toEqual(['--tag', 'here/x:2']);
    const given = all.filter((_, index) => all[index - 1] === '--build-arg');
    expect(given).toEqual(['BASE_IMAGE=python:3.11-slim', 'A=1', 'BASE_IMAGE=mine']);
  });

  it('pushes the image once it is built, under the name that it was given', async () => {
    await install('docker');
    await putAction();

    const { status, out } = await build('--tag', 'registry.example/x:1', '--push');

    expect({ status, out }).toEqual({ status: 0, out: 'registry.example/x:1\n' });
    expect((await asked()).slice(-3)).toEqual(['docker', 'push', 'registry.example/x:1']);
  });

  it('makes a name that images may have of an id and a version that they may not', async () => {
    await install('docker');
    await putAction({ id: '-a..b.', version: '+1.0 beta' });

    expect((await build()).out).toBe('ryax-action/a-b:_1.0-beta\n');
  });

  it('says that there is no builder, and what to install', async () => {
    await putAction();

    const any = await build();
    const one = await build('--builder', 'buildah');

    expect([any.status, one.status]).toEqual([2, 2]);
    expect(any.notes).toContain('Expected docker, podman or buildah on PATH');
    expect(any.notes).toContain('apt-get install podman');
    expect(one.notes).toContain('Expected buildah on PATH');
  });

  it('fails when the builder does, with what it has said, and pushes nothing', async () => {
    await install('docker');
    await putAction();
    await put('builder-does', 'echo "no such base image" >&2; exit 17');

    const { status, out, notes } = await build('--tag', 'x/y', '--push');

    expect({ status, out }).toEqual({ status: 1, out: '' });
    expect(notes).toContain('no such base image\n');
    expect(notes).toContain('docker build ended with status 17');
    expect(await asked()).not.toContain('push');
  });

  it('refuses to push without a name that says where to', async () => {
    await install('docker');
    await putAction();

    expect(await build('--push')).toMatchObject({ status: 2, notes: expect.stringContaining('--tag') });
  });

  it('says that the folder is none, or no action', async () => {
    await install('docker');
    expect(await build()).toMatchObject({ status: 2, notes: expect.stringContaining('Expected an action folder') });

    await put('action/README.md', '');
    expect(await build()).toMatchObject({ status: 2, notes: expect.stringContaining('found no ryax_metadata.yaml') });

    await put('action/ryax_metadata.yaml', 'a: [');
    expect(await build()).toMatchObject({ status: 2, notes: expect.stringContaining('not well-formed') });
  });

  it('shows all that keeps an action from having an image', async () => {
    await install('docker');
    await putAction({ id: 'X', version: 1.5, type: 'nodejs', options: { 'python.version': 3.1 } });

    const { status, notes } = await build();

    expect(status).toBe(2);
    for (const path of ['spec.id', 'spec.version', 'ryax_handler.js', 'python.version']) expect(notes).toContain(path);
    await expect(asked()).rejects.toThrow('ENOENT');
  });

  it.each([
    ['another language', { type: 'csharp-dotnet6' }, 'Processor', 'spec.type'],
    ['a trigger', {}, 'Source', 'triggers have no image'],
  ])('builds none of %s', async (_, spec, kind, said) => {
    await install('docker');
    await putAction(spec);
    const path = join(folder, 'action/ryax_metadata.yaml');
    await writeFile(path, (await readFile(path, 'utf8')).replace('Processor', kind));

    expect(await build()).toMatchObject({ status: 2, notes: expect.stringContaining(said) });
  });

  it('names it by the content that the engine has, in the repository of a site', async () => {
    await install('docker');
    await putAction();
    const digits = 'ab'.repeat(32);
    const answer = { action_id: 'greet', version: '1.0', content_hash: `sha256:${digits}`, warnings: [] };
    const path = join(folder, 'action');
    const options = ['--builder-path', bin, '--repository', 'registry.example/actions', '--push'];

    const routes = { 'POST /v1/actions': json(answer, 201) };
    const { status, out } = await ryax(routes, 'actions', 'build', path, ...options);

    expect({ status, out }).toEqual({ status: 0, out: `registry.example/actions:${digits}\n` });
    expect((await asked()).slice(-3)).toEqual(['docker', 'push', `registry.example/actions:${digits}`]);
  });

  it('takes one name alone', async () => {
    await install('docker');
    await putAction();
    const { status, notes } = await build('--tag', 'a:1', '--repository', 'registry.example/actions');
    expect(status).toBe(2);
    expect(notes).toContain('found both');
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { FileReference } from '@ryax/contracts';
import { packDirectory, putValue, unpackDirectory } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import { describeWithPrivateTmp, LauncherFixture, script } from './testing/launcher-fixture';

describe('files and directories', () => {
  let fixture: LauncherFixture;
  let work: string;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
    work = await mkdtemp(join(tmpdir(), 'ryax-files-spec-'));
  });
  afterAll(async () => {
    await fixture.close();
    await rm(work, { recursive: true });
  });

  async function fileOf(name: string, content: string): Promise<FileReference> {
    const { hash, size } = await fixture.files.put(content);
    return { $file: hash, name, size, kind: 'file' };
  }

  async function directoryOf(name: string, entries: Record<string, string>): Promise<FileReference> {
    const directory = await mkdtemp(join(work, 'd-'));
    for (const [path, content] of Object.entries(entries)) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), content);
    }
    const { hash, size } = await packDirectory(fixture.files, directory);
    return { $file: hash, name, size, kind: 'directory' };
  }

  const contentOf = async (value: unknown) => (await fixture.files.read((value as FileReference).$file)).toString();
  const node = (code: string, inputs = {}, outputs = {}) =>
    fixture.action({
      type: 'nodejs',
      code: `const fs = require('node:fs');\nconst path = require('node:path');\n${code}`,
      inputs,
      outputs,
    });

  describe('as inputs', () => {
    it('are local paths with their original base names', async () => {
      const hash = await node(
        `module.exports = ({ f, d }) => ({ seen: [path.isAbsolute(f), path.basename(f), fs.readFileSync(f, 'utf8'), path.basename(d), fs.readdirSync(d)] })`,
        { f: 'file', d: 'directory' },
        { seen: 'json' },
      );
      const inputs = {
        f: await fileOf('ü quakes.csv', 'a,b'),
        d: await directoryOf('results', { 'x.txt': 'X', 'y/z.txt': 'Z' }),
      };

      expect(await fixture.outputsOf(hash, inputs)).toEqual({
        seen: [true, 'ü quakes.csv', 'a,b', 'results', ['x.txt', 'y']],
      });
    });

    it('may be changed and removed without anybody else noticing', async () => {
      const hash = await node(
        `module.exports = ({ f }) => { const was = fs.readFileSync(f, 'utf8'); fs.appendFileSync(f, '!'); fs.rmSync(f); return { was } }`,
        { f: 'file' },
        { was: 'string' },
      );
      const f = await fileOf('a.txt', 'original');

      expect(await fixture.outputsOf(hash, { f })).toEqual({ was: 'original' });
      expect(await fixture.outputsOf(hash, { f })).toEqual({ was: 'original' });
      expect(await contentOf(f)).toBe('original');
    });

    it('are gone before the next call, and never lie where those of another call have lain', async () => {
      const hash = await node(
        `let last; module.exports = ({ f }) => { const left = last !== undefined && fs.existsSync(last); last = f; return { left } }`,
        { f: 'file' },
        { left: 'boolean' },
      );
      const f = await fileOf('a.txt', 'A');

      expect(await fixture.outputsOf(hash, { f })).toEqual({ left: false });
      expect(await fixture.outputsOf(hash, { f })).toEqual({ left: false });
    });

    it.each(['../../etc/passwd', '/etc/passwd', '..', '.', 'a/b', `${'ü'.repeat(200)}.csv`])(
      'never leave their place, whatever their name says: %s',
      async (name) => {
        const hash = await node(
          `module.exports = ({ f, d }) => ({ seen: [f.includes('..'), fs.readFileSync(f, 'utf8')] })`,
          { f: 'file' },
          { seen: 'json' },
        );

        expect(await fixture.outputsOf(hash, { f: await fileOf(name, 'mine') })).toEqual({ seen: [false, 'mine'] });
      },
    );

    it('may stand inside a json value', async () => {
      const hash = await node(
        `module.exports = ({ all }) => ({ read: all.regions.map(({ events }) => fs.readFileSync(events.$file, 'utf8')) })`,
        { all: 'json' },
        { read: 'json' },
      );
      const regions = [{ events: await fileOf('a.csv', 'A') }, { events: await fileOf('a.csv', 'B') }];

      expect(await fixture.outputsOf(hash, { all: { regions } })).toEqual({ read: ['A', 'B'] });
    });

    it('may stand in a value that is itself a reference', async () => {
      const list = await putValue(fixture.files, [{ events: await fileOf('a.csv', 'A') }]);
      const hash = await node(
        `module.exports = ({ f }) => ({ read: fs.readFileSync(f, 'utf8') })`,
        { f: 'file' },
        { read: 'string' },
      );

      expect(
        await fixture.outputsOf(hash, { f: { $value: list.$value, size: list.size, path: [0, 'events'] } }),
      ).toEqual({ read: 'A' });
    });

    it('default to a file of the action itself', async () => {
      const hash = await fixture.action({
        type: 'nodejs',
        code: "module.exports = ({ f }) => ({ read: require('node:fs').readFileSync(f, 'utf8') })",
        inputs: { f: { type: 'file', default_value: 'data/own.csv' } },
        outputs: { read: 'string' },
        files: { 'data/own.csv': 'own' },
      });

      expect(await fixture.outputsOf(hash)).toEqual({ read: 'own' });
    });

    it('of the wrong kind are the caller’s error', async () => {
      const hash = await node('module.exports = () => ({})', { f: 'file' });

      expect(await fixture.failureOf(hash, { f: await directoryOf('d', {}) })).toMatchObject({
        kind: 'invalid',
        message: 'The input f: expected file, found a directory',
      });
      expect(await fixture.failureOf(hash, { f: '/etc/passwd' })).toMatchObject({
        message: 'The input f: expected file, found a string',
      });
    });

    it('that are called a directory and are none are the caller’s error', async () => {
      const hash = await node('module.exports = () => ({})', { d: 'directory' });
      const d = { ...(await fileOf('d', 'just a text')), kind: 'directory' };

      expect(await fixture.failureOf(hash, { d })).toMatchObject({
        kind: 'invalid',
        message: expect.stringContaining('Expected a directory as the content sha256:'),
      });
    });

    it('that are missing in the filestore are not the action’s fault', async () => {
      const hash = await node('module.exports = () => ({})', { f: 'file' });
      const f = { $file: `sha256:${'0'.repeat(64)}`, name: 'a', size: 1, kind: 'file' };

      expect(await fixture.failureOf(hash, { f })).toMatchObject({
        kind: 'lost',
        message: expect.stringContaining('sha256:000'),
      });
    });
  });

  describeWithPrivateTmp('as outputs', () => {
    it.each([
      ['under /tmp', `fs.writeFileSync('/tmp/out.txt', 'made'); return { f: '/tmp/out.txt' }`, 'out.txt'],
      ['relative to the working directory', `fs.writeFileSync('out.txt', 'made'); return { f: 'out.txt' }`, 'out.txt'],
      [
        'relative to where the handler has gone',
        `fs.mkdirSync('/tmp/a'); process.chdir('/tmp/a'); fs.writeFileSync('o', 'made'); return { f: './o' }`,
        'o',
      ],
      [
        'through an absolute link under /tmp',
        `fs.writeFileSync('/tmp/x', 'made'); fs.symlinkSync('/tmp/x', '/tmp/link.txt'); return { f: '/tmp/link.txt' }`,
        'link.txt',
      ],
      [
        'through a linked folder',
        `fs.mkdirSync('/tmp/d'); fs.writeFileSync('/tmp/d/x', 'made'); fs.symlinkSync('/tmp/d', 'l'); return { f: 'l/x' }`,
        'x',
      ],
      ['by a link beside the code', `fs.writeFileSync('x', 'made'); fs.symlinkSync('x', 'l'); return { f: 'l' }`, 'l'],
    ])('are taken from a path %s', async (_, body, name) => {
      const { f } = await fixture.outputsOf(await node(`module.exports = () => { ${body} }`, {}, { f: 'file' }));

      expect(f).toEqual({ $file: expect.stringMatching(/^sha256:/), name, size: 4, kind: 'file' });
      expect(await contentOf(f)).toBe('made');
    });

    it('may be an input, or inside one, or the same twice', async () => {
      const hash = await node(
        `module.exports = ({ f, d }) => ({ one: f, two: f, part: path.join(d, 'x.txt'), all: d })`,
        { f: 'file', d: 'directory' },
        { one: 'file', two: 'file', part: 'file', all: 'directory' },
      );
      const inputs = { f: await fileOf('a.csv', 'A'), d: await directoryOf('dir', { 'x.txt': 'X' }) };

      expect(await fixture.outputsOf(hash, inputs)).toMatchObject({
        one: inputs.f,
        two: inputs.f,
        part: { name: 'x.txt', size: 1 },
        all: inputs.d,
      });
    });

    it('may be directories with links, as their makers see them', async () => {
      const hash = await node(
        `module.exports = () => {
           fs.mkdirSync('/tmp/results/deep', { recursive: true });
           fs.writeFileSync('/tmp/results/deep/a.txt', 'A');
           fs.writeFileSync('/tmp/outside.txt', 'O');
           fs.symlinkSync('/tmp/results/deep/a.txt', '/tmp/results/inside');
           fs.symlinkSync('/tmp/outside.txt', '/tmp/results/outside');
           return { d: '/tmp/results' };
         }`,
        {},
        { d: 'directory' },
      );
      const { d } = await fixture.outputsOf(hash);
      const target = join(work, 'restored');
      await unpackDirectory(fixture.files, (d as FileReference).$file, target);

      expect(d).toMatchObject({ name: 'results', kind: 'directory' });
      expect((await readdir(target)).sort()).toEqual(['deep', 'inside', 'outside']);
      expect(await readFile(join(target, 'inside'), 'utf8')).toBe('A');
      expect(await readFile(join(target, 'outside'), 'utf8')).toBe('O');
    });

    it('may stand inside a json value', async () => {
      const hash = await node(
        `module.exports = () => {
           fs.writeFileSync('/tmp/a.csv', 'A');
           fs.mkdirSync('/tmp/d');
           return { regions: [{ name: 'Crète', file: { $file: '/tmp/a.csv' } }, { file: { $file: '/tmp/d' } }] };
         }`,
        {},
        { regions: 'json' },
      );

      expect(await fixture.outputsOf(hash)).toEqual({
        regions: [
          { name: 'Crète', file: { $file: expect.stringMatching(/^sha256:/), name: 'a.csv', size: 1, kind: 'file' } },
          {
            file: { $file: expect.stringMatching(/^sha256:/), name: 'd', size: expect.any(Number), kind: 'directory' },
          },
        ],
      });
    });

    it.each([
      ['does not exist', `return { f: '/tmp/nowhere.txt' }`, '/tmp/nowhere.txt', 'does not exist'],
      ['is a directory', `return { f: '/tmp' }`, '/tmp', 'is a directory, expected a file'],
      ['is a device', `return { f: '/dev/null' }`, '/dev/null', 'neither a file nor a directory'],
      [
        'is a link to itself',
        `fs.symlinkSync('/tmp/l', '/tmp/l'); return { f: '/tmp/l' }`,
        '/tmp/l',
        'cannot be read (ELOOP)',
      ],
    ])('fail as the user’s error when the path %s', async (_, body, path, message) => {
      const failure = await fixture.failureOf(await node(`module.exports = () => { ${body} }`, {}, { f: 'file' }));

      expect(failure).toMatchObject({
        kind: 'user',
        message: expect.stringContaining(message),
        details: { output: 'f', path },
      });
    });

    it('fail as the user’s error when a directory holds what cannot be kept', async () => {
      const hash = await node(
        `module.exports = () => { fs.mkdirSync('/tmp/d'); fs.symlinkSync('/nowhere', '/tmp/d/broken'); return { d: '/tmp/d' } }`,
        {},
        { d: 'directory' },
      );

      expect(await fixture.failureOf(hash)).toMatchObject({
        kind: 'user',
        message: expect.stringContaining('"broken"'),
      });
    });
  });

  it('a handler that outlives its attempt cannot write into the place of its successor', async () => {
    const hash = await node(
      `module.exports = async ({ text }) => {
         fs.writeFileSync('out.txt', text);
         console.log(process.cwd());
         while (!fs.existsSync('go')) await new Promise((resolve) => setTimeout(resolve, 5));
         return { f: 'out.txt' };
       }`,
      { text: 'string' },
      { f: 'file' },
    );
    const begin = async (text: string, attempt: number) => {
      const { running, log } = fixture.start(hash, { text }, { attempt });
      return { running, place: await waitFor(() => log.lines[0]) };
    };
    const first = await begin('first', 1);
    first.running.cancel(true);
    await first.running.ended;
    const second = await begin('second', 2);

    // What is left of the first goes on writing where it was.
    await mkdir(first.place, { recursive: true });
    await writeFile(join(first.place, 'out.txt'), 'first again');
    await writeFile(join(second.place, 'go'), '');

    const { outcome } = await second.running.ended;
    expect(await contentOf(outcome.status === 'succeeded' && outcome.outputs['f'])).toBe('second');
  });

  it('pass from command to command', async () => {
    const make = script(
      'echo made > out.txt; mkdir /tmp/d; echo deep > /tmp/d/x; echo \'{"f": "out.txt", "d": "/tmp/d"}\' > $RYAX_OUTPUTS',
      {
        f: 'file',
        d: 'directory',
      },
    );

    const { log } = await fixture.run(script('cat "$f" "$d/x"; basename "$f" "$d"'), await fixture.outputsOf(make));

    expect(log.lines.slice(0, 3)).toEqual(['made', 'deep', 'out.txt']);
  });

  it('keep the filestore’s folder out of reach of a careless handler', async () => {
    expect(await readdir(join(fixture.directory, 'files', 'incoming'))).toEqual([]);
  });
});

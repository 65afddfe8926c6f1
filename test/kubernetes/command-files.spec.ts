import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isFileReference, type JsonObject, type JsonValue } from '@ryax/contracts';
import { packDirectory } from '@ryax/filestore';
import { waitFor } from '@ryax/testing';
import type { Launch } from '../../apps/executor/src/launcher';
import { TestSite, type SiteOptions } from './site';
import { describeFiles, filesImage, filesServer } from './files-image';
import { itWithTestServer, patienceMs, specMs } from './target';

const file = (name: string) => ({ name, type: 'file' });

describeFiles('files of a command in a pod', () => {
  let site: TestSite;
  const open = (options: SiteOptions = {}) =>
    TestSite.open({ ...options, site: { filesImage, ...options.site }, server: { images: filesServer } });
  beforeEach(async () => {
    site = await open();
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  async function stored(text: string, name: string): Promise<JsonObject> {
    const { hash, size } = await site.files.put(text);
    return { $file: hash, name, size, kind: 'file' };
  }

  async function textOf(value: JsonValue | undefined): Promise<string> {
    if (!isFileReference(value)) throw new Error(`Expected a file, found ${JSON.stringify(value)}`);
    return String(await site.files.read(value.$file));
  }

  function launch(
    script: string,
    inputs: JsonObject,
    outputs: JsonObject[] = [],
    fields: Partial<Launch> = {},
  ): Launch {
    return site.launch(script, { ...fields, inputs, action: { outputs } });
  }

  async function outputsOf(wanted: Launch): Promise<JsonObject> {
    const { end, log } = await (await site.executor()).run(wanted);
    if (end.outcome.status !== 'succeeded') throw new Error(`${JSON.stringify(end.outcome)}\n${log.text}`);
    return end.outcome.outputs;
  }

  it(
    'come in under their names, and go out by relative paths, by those in /tmp, and of inputs themselves',
    async () => {
      const script = `
        basename "$rows"
        tr a-z A-Z < "$rows" > shouted.txt
        wc -l < "$rows" | tr -d ' ' > /tmp/count
        printf '{"shouted": "shouted.txt", "count": "/tmp/count", "same": "%s", "text": "said"}' "$rows" > "$RYAX_OUTPUTS"`;
      const outputs = [file('shouted'), file('count'), file('same'), { name: 'text', type: 'string' }];
      const returned = await outputsOf(launch(script, { rows: await stored('a\nb\n', 'rows.csv') }, outputs));
      expect(await textOf(returned['shouted'])).toBe('A\nB\n');
      expect(await textOf(returned['count'])).toBe('2\n');
      expect(returned).toMatchObject({ same: { name: 'rows.csv', size: 4 }, text: 'said' });
      await site.noPodIsLeft();
    },
    specMs,
  );

  it(
    'may be directories of many files, with what can be executed in them and nothing else changed',
    async () => {
      const folder = await site.folder();
      await mkdir(join(folder, 'deep', 'empty'), { recursive: true });
      await writeFile(join(folder, 'say'), '#!/bin/sh\necho said\n', { mode: 0o755 });
      for (let each = 0; each < 100; each++) await writeFile(join(folder, 'deep', `${each}.txt`), `${each}`);
      const { hash } = await packDirectory(site.files, folder);
      const given = { $file: hash, size: 1, kind: 'directory', name: 'tools' };
      const script = `"$tools/say" > said; cp -R "$tools" copied
        echo '{"said": "said", "copied": "copied"}' > "$RYAX_OUTPUTS"`;
      const outputs = [file('said'), { name: 'copied', type: 'directory' }];
      const returned = await outputsOf(launch(script, { tools: given }, outputs));
      expect(await textOf(returned['said'])).toBe('said\n');
      // The same content, modes included.
      expect(returned['copied']).toMatchObject({ $file: hash, kind: 'directory', name: 'copied' });
    },
    specMs,
  );

  it(
    'stand in $RYAX_INPUTS as paths wherever they are in a value',
    async () => {
      const inputs = { all: [{ file: await stored('deep', 'deep.txt') }] };
      const script = `cp "$RYAX_INPUTS" all.json; echo '{"all": "all.json"}' > "$RYAX_OUTPUTS"`;
      const text = await textOf((await outputsOf(launch(script, inputs, [file('all')])))['all']);
      expect(JSON.parse(text)).toEqual({
        all: [{ file: { $file: expect.stringMatching(/\/1\/deep\.txt$/) as string } }],
      });
    },
    specMs,
  );

  it(
    'bring what is too large for a pod: inputs that no annotation holds, and outputs that no message holds',
    async () => {
      const script = `printf '{"length": %s, "long": "%s"}' "$(wc -c < "$RYAX_INPUTS" | tr -d ' ')" "$(head -c 9000 /dev/zero | tr '\\0' x)" > "$RYAX_OUTPUTS"`;
      const outputs = [
        { name: 'length', type: 'integer' },
        { name: 'long', type: 'string' },
      ];
      const { length, long } = await outputsOf(launch(script, { text: 'x'.repeat(300_000) }, outputs));
      expect(length).toBeGreaterThan(300_000);
      expect(long).toBe('x'.repeat(9_000));
    },
    specMs,
  );

  it.each([
    ['is not there', 'true', 'does not exist'],
    ['is a directory', 'mkdir out', 'is a directory, expected a file'],
    ['is a link out of what the pod shares', 'ln -s /etc/passwd out', 'cannot be read (EACCES)'],
    [
      'lies outside of what the pod shares',
      'echo \'{"out": "/etc/passwd"}\' > "$RYAX_OUTPUTS"',
      'cannot be read (EACCES)',
    ],
  ])(
    'are refused where the returned path %s',
    async (_what, script, message) => {
      const whole = `echo '{"out": "out"}' > "$RYAX_OUTPUTS"; ${script}`;
      const outcome = await (await site.executor()).outcomeOf(launch(whole, {}, [file('out')]));
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'user', message: expect.stringContaining(message) as string, details: { output: 'out' } },
      });
      await site.noPodIsLeft();
    },
    specMs,
  );

  it(
    'of a directory that leads out by a link are refused, and nothing behind it is read',
    async () => {
      const script = `mkdir out; ln -s / out/root; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const outcome = await (await site.executor()).outcomeOf(launch(script, {}, [{ name: 'out', type: 'directory' }]));
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: { kind: 'user', message: expect.stringContaining('cannot be read') as string },
      });
    },
    specMs,
  );

  it(
    'lie in a folder of theirs, whatever they are called',
    async () => {
      const inputs = { x: await stored('text', '../../../../tmp/../evil') };
      const script = `cat "$x"; basename "$x"`;
      const { end, log } = await (await site.executor()).run(launch(script, inputs));
      expect(end.outcome).toEqual({ status: 'succeeded', outputs: {} });
      expect(log.lines).toEqual(['textevil']);
    },
    specMs,
  );

  it(
    'make no difference to how a command fails, and what it has left by then is nobody’s',
    async () => {
      const script = `echo '{"out": "out"}' > "$RYAX_OUTPUTS"; echo out > out; echo "no luck" >&2; exit 3`;
      const outcome = await (await site.executor()).outcomeOf(launch(script, {}, [file('out')]));
      expect(outcome).toMatchObject({ status: 'failed', failure: { kind: 'crash', code: 3 } });
      await site.noPodIsLeft();
    },
    specMs,
  );

  describe('whose executor is gone', () => {
    const adoptedBy = async () => {
      const executor = await site.executor();
      await waitFor(
        () => {
          executor.launcher.alive([executor.incarnation]);
          return executor.adopted.length === 1;
        },
        { timeoutMs: patienceMs, intervalMs: 100, describe: 'an adoption' },
      );
      return executor;
    };

    itWithTestServer('before they were brought are brought by its successor', async () => {
      await site.close();
      // Images are there a moment later: the first executor is gone by then.
      const missing = new Set([filesImage]);
      site = await TestSite.open({
        site: { filesImage },
        server: { images: filesServer, isMissing: (image) => missing.has(image) },
      });
      const first = await site.executor();
      const wanted = launch('cat "$rows"', { rows: await stored('some rows\n', 'rows.csv') });
      const begun = first.launch(wanted);
      await begun.log.has('Its pod waits');
      await first.close();
      missing.clear();
      const second = await adoptedBy();
      expect(await second.adopted[0]?.outcome()).toEqual({ status: 'succeeded', outputs: {} });
      expect(second.adopted[0]?.log.lines).toEqual(['some rows']);
      expect(site.server.requestCounts['create pods']).toBe(1);
      second.forget(wanted);
      await site.noPodIsLeft();
    });

    it(
      'while the command runs are fetched by its successor, and by nobody twice',
      async () => {
        const gate = site.gate();
        const script = `echo begun; ${gate.wait}; tr a-z A-Z < "$rows" > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
        const first = await site.executor();
        const wanted = launch(script, { rows: await stored('rows', 'rows.csv') }, [file('out')]);
        await first.launch(wanted).log.has('begun');
        await first.close();
        await gate.open();
        await site.containerIs('terminated', wanted);
        const second = await adoptedBy();
        const outcome = await second.adopted[0]?.outcome();
        if (outcome?.status !== 'succeeded') throw new Error(JSON.stringify(outcome));
        expect(await textOf(outcome.outputs['out'])).toBe('ROWS');
        second.forget(wanted);
        await site.noPodIsLeft();
      },
      specMs,
    );

    itWithTestServer('when they were fetched and nobody had its word are fetched once more', async () => {
      const script = `echo out > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const first = await site.executor();
      const wanted = launch(script, {}, [file('out')]);
      expect(await first.launch(wanted).outcome()).toMatchObject({ status: 'succeeded' });
      await first.close();
      const second = await adoptedBy();
      expect(await second.adopted[0]?.outcome()).toMatchObject({ status: 'succeeded', outputs: { out: { size: 4 } } });
      second.forget(wanted);
      await site.noPodIsLeft();
    });
  });

  /** A server that never takes anything. */
  const deaf = { [filesImage]: { command: ['sleep', '300'] } };

  itWithTestServer(
    'whose server is killed before the command begins: lost, and not for want of the action’s memory',
    async () => {
      await site.close();
      site = await TestSite.open({ site: { filesImage }, server: { images: deaf } });
      const executor = await site.executor();
      const wanted = launch('true', {}, [file('out')]);
      const begun = executor.launch(wanted);
      const name = site.podName(wanted);
      await waitFor(() => site.server.pidOf('runs', name, 'ryax-inputs') !== undefined, { timeoutMs: patienceMs });
      site.server.misbehaviour.oomKill('runs', name, 'ryax-inputs');
      expect(await begun.outcome()).toMatchObject({
        failure: {
          kind: 'lost',
          message: expect.stringMatching(/ryax-inputs.*ran out of memory.*filesImage/) as string,
        },
      });
      executor.forget(wanted);
      await site.noPodIsLeft();
    },
  );

  itWithTestServer('whose server never listens: lost when patience ends, and the command never begins', async () => {
    await site.close();
    site = await TestSite.open({ site: { filesImage, patience: { starting: '2s' } }, server: { images: deaf } });
    const outcome = await (await site.executor()).outcomeOf(launch('true', {}, [file('out')]));
    expect(outcome).toMatchObject({
      failure: {
        kind: 'lost',
        message: expect.stringMatching(/was not reached for 2 s.*reach pods.*filesImage/) as string,
      },
    });
    await site.noPodIsLeft();
  });

  itWithTestServer('that failed before its command began leaves no pod that a successor could begin', async () => {
    await site.close();
    site = await TestSite.open({ site: { filesImage, patience: { starting: '2s' } }, server: { images: deaf } });
    const begun = (await site.executor()).launch(launch('true', {}, [file('out')]));
    expect(await begun.outcome()).toMatchObject({ failure: { kind: 'lost' } });
    // Nobody has said yet that its outcome is recorded.
    await site.noPodIsLeft();
  });

  itWithTestServer(
    'whose server is killed for its memory after the command has begun: lost, as nobody has its outputs',
    async () => {
      const gate = site.gate();
      const script = `echo begun; ${gate.wait}; echo out > out; echo '{"out": "out"}' > "$RYAX_OUTPUTS"`;
      const executor = await site.executor();
      const wanted = launch(script, {}, [file('out')]);
      const begun = executor.launch(wanted);
      await begun.log.has('begun');
      const name = site.podName(wanted);
      await waitFor(() => site.server.pidOf('runs', name, 'ryax-outputs') !== undefined, { timeoutMs: patienceMs });
      site.server.misbehaviour.oomKill('runs', name, 'ryax-outputs');
      await gate.open();
      expect(await begun.outcome()).toMatchObject({
        failure: { kind: 'lost', message: expect.stringMatching(/ryax-outputs.*OOMKilled.*filesImage/) as string },
      });
      executor.forget(wanted);
      await site.noPodIsLeft();
    },
  );

  itWithTestServer('whose server cannot be pulled: of kind image, and the command never begins', async () => {
    await site.close();
    site = await TestSite.open({
      site: { filesImage: 'missing/files:1', patience: { refusedImage: '1s', image: '2s' } },
    });
    const outcome = await (await site.executor()).outcomeOf(launch('true', {}, [file('out')]));
    expect(outcome).toMatchObject({
      failure: {
        kind: 'image',
        message: expect.stringContaining('missing/files:1') as string,
        details: { container: 'ryax-inputs' },
      },
    });
    await site.noPodIsLeft();
  });
});

describe('a command that needs more than its pod alone can bring', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.open();
  }, specMs);
  afterEach(() => TestSite.closeAll(), specMs);

  it.each([
    ['takes a file', { inputs: { x: { $file: `sha256:${'0'.repeat(64)}`, name: 'x', size: 1, kind: 'file' } } }],
    ['returns a directory', { action: { outputs: [{ name: 'out', type: 'directory' }] } }],
    ['has more inputs than fit into a pod', { inputs: { x: 'x'.repeat(300_000) } }],
  ])(
    'as it %s is refused where the site names no image for it, and says which field that is',
    async (_what, fields) => {
      const outcome = await (await site.executor()).outcomeOf(site.launch('true', fields));
      expect(outcome).toMatchObject({
        status: 'failed',
        failure: {
          kind: 'rejected',
          message: expect.stringContaining('set filesImage in its configuration') as string,
          details: { field: 'filesImage' },
        },
      });
      expect(await site.pods()).toEqual([]);
    },
    specMs,
  );

  itWithTestServer('and one that does not, costs no more than its pod', async () => {
    const outputs = [{ name: 'twice', type: 'integer' }];
    const script = `echo "{\\"twice\\": $((2 * number))}" > "$RYAX_OUTPUTS"`;
    const executor = await site.executor();
    site.server.resetRequestCounts();
    const wanted = site.launch(script, { inputs: { number: 3 }, action: { outputs } });
    const begun = executor.launch(wanted);
    expect(await begun.outcome()).toEqual({ status: 'succeeded', outputs: { twice: 6 } });
    const [pod] = await site.pods();
    expect(pod?.spec?.containers.map(({ name }) => name)).toEqual(['main']);
    expect(pod?.spec?.initContainers).toBeUndefined();
    expect(site.server.requestCounts['create secrets']).toBeUndefined();
    executor.forget(wanted);
    await site.noPodIsLeft();
  });
});

import { LauncherFixture, script } from './testing/launcher-fixture';

describe('a command', () => {
  /** 126 where a folder of PATH may not even be looked into. */
  const notFound = expect.stringMatching(/exited with status 12[67]/);
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  it('runs on this machine, and its log says that the image is ignored', async () => {
    const { outcome, log } = await fixture.run(script('echo hello; echo there >&2'));

    expect(outcome).toEqual({ status: 'succeeded', outputs: {} });
    expect(log.text).toContain('[ryax] The image alpine:3.20 is ignored');
    expect(log.lines).toEqual(expect.arrayContaining(['hello', 'there']));
  });

  it('runs in a fresh folder each time', async () => {
    const writes = script('ls; touch left-behind');

    expect((await fixture.run(writes)).log.lines).toEqual([]);
    expect((await fixture.run(writes)).log.lines).toEqual([]);
  });

  it('finds its inputs as variables of their names, and as a JSON file', async () => {
    const inputs = { region: 'Crète', depth: 10.5, deep: false, near: [1, 'two'], unset: null };
    const { log } = await fixture.run(
      script('echo "$region|$depth|$deep|$near|${unset-none}"; cat "$RYAX_INPUTS"'),
      inputs,
    );

    expect(log.lines[0]).toBe('Crète|10.5|false|[1,"two"]|none');
    expect(JSON.parse(log.lines[1] ?? '')).toEqual(inputs);
  });

  it('gets the environment that it declares, which wins over inputs', async () => {
    const container = { ...script('echo "$MODE $region"'), env: { MODE: 'fast', region: 'declared' } };

    expect((await fixture.run(container, { region: 'input' })).log.lines).toEqual(['fast declared']);
  });

  it('gets an input that is too long for a variable in the file only, and is told so', async () => {
    const { outcome, log } = await fixture.run(script('echo "${long-none}"; wc -c < "$RYAX_INPUTS"'), {
      long: 'x'.repeat(300_000),
    });

    expect(outcome.status).toBe('succeeded');
    expect(log.text).toContain('[ryax] The input long is too long for a variable');
    expect(log.lines).toEqual(['none', '300011']);
  });

  it('is told which attempt of which execution it is', async () => {
    const outputs = { who: 'string' } as const;
    const told = script(
      'printf \'{"who": "%s"}\' "$RYAX_RUN_ID $RYAX_EXECUTION $RYAX_ATTEMPT" > "$RYAX_OUTPUTS"',
      outputs,
    );

    expect(await fixture.outputsOf(told, {}, { attempt: 3 })).toEqual({ who: 'run-1 fit 3' });
  });

  it('gives back the JSON object that it leaves in $RYAX_OUTPUTS', async () => {
    const outputs = { depth: 'float', places: 'json' } as const;
    const container = script('echo \'{"depth": 3, "places": ["Crète"]}\' > "$RYAX_OUTPUTS"', outputs);

    expect(await fixture.outputsOf(container)).toEqual({ depth: 3, places: ['Crète'] });
  });

  it.each([
    ['leaves out what is required', 'true', 'The output depth is required'],
    ['leaves no JSON', 'echo depth=3 > "$RYAX_OUTPUTS"', 'Expected a JSON object in $RYAX_OUTPUTS'],
    ['leaves a list', 'echo "[3]" > "$RYAX_OUTPUTS"', 'Expected a JSON object in $RYAX_OUTPUTS'],
    [
      'leaves another type',
      'echo \'{"depth": "3"}\' > "$RYAX_OUTPUTS"',
      'The output depth: expected float, found a string',
    ],
  ])('fails as invalid when it %s', async (_, text, message) => {
    const failure = await fixture.failureOf(script(text, { depth: 'float' }));

    expect(failure).toMatchObject({ kind: 'invalid', message: expect.stringContaining(message) });
  });

  it('fails with its exit status, and with what it said last', async () => {
    expect(await fixture.failureOf(script('echo starting; echo "no such region" >&2; exit 3'))).toEqual({
      kind: 'crash',
      message: 'The command exited with status 3: no such region',
      code: 3,
    });
  });

  it('fails with the signal that ended it', async () => {
    expect(await fixture.failureOf(script('kill -SEGV $$'))).toMatchObject({ kind: 'crash', code: 139 });
  });

  it('that does not exist is a crash as in any shell', async () => {
    const container = { ...script(''), command: ['no-such-command-anywhere'] };

    expect(await fixture.failureOf(container)).toMatchObject({ kind: 'crash', message: notFound });
  });

  it('is never a builtin of the shell that starts it', async () => {
    const { log } = await fixture.run({ ...script(''), command: ['echo', String.raw`a\nb`] });

    expect(log.lines).toEqual([String.raw`a\nb`]);
    expect(await fixture.failureOf({ ...script(''), command: ['exit', '0'] })).toMatchObject({ message: notFound });
  });

  it('with a zero byte is invalid', async () => {
    expect(await fixture.failureOf({ ...script(''), command: ['echo', 'a\0b'] })).toMatchObject({ kind: 'invalid' });
  });

  it('gets secrets in plain, and its log does not show them', async () => {
    const token = await fixture.secrets.put({ streamId: 'default.run-1', path: 'inputs.token' }, 'open-sesame');

    const { outcome, log } = await fixture.run(
      script('test "$token" = open-sesame && echo "the token is $token." && echo "$token" >&2 && exit 5'),
      { token },
    );

    expect(log.lines.sort()).toEqual(['****', 'the token is ****.']);
    expect(outcome).toMatchObject({ failure: { code: 5, message: expect.not.stringContaining('sesame') } });
  });
});

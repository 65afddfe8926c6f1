import { tooDeep, type SecretReference } from '@ryax/contracts';
import { LauncherFixture, script, type ActionSource } from './testing/launcher-fixture';

describe('declared inputs and outputs', () => {
  let fixture: LauncherFixture;

  beforeAll(async () => {
    fixture = await LauncherFixture.open();
  });
  afterAll(() => fixture.close());

  const node = (code: string, rest: Partial<ActionSource> = {}) => fixture.action({ type: 'nodejs', code, ...rest });
  const echo = 'module.exports = (inputs) => ({ seen: inputs })';
  const seen = { outputs: { seen: 'json' } } as const;

  it('every declared input is a key, and nothing else is', async () => {
    const inputs = {
      given: 'integer',
      defaulted: { type: 'float', default_value: '2.5' },
      absent: { type: 'string', optional: true },
    } as const;

    expect(await fixture.outputsOf(await node(echo, { inputs, ...seen }), { given: '7', undeclared: 1 })).toEqual({
      seen: { given: 7, defaulted: 2.5, absent: null },
    });
  });

  it.each([
    ['is missing', {}, 'The input depth is required and has no value'],
    ['is null', { depth: null }, 'The input depth is required and has no value'],
    ['is no number', { depth: 'deep' }, 'The input depth: expected float, found a string'],
  ])('a required input that %s is the caller’s error, by its name', async (_, inputs, message) => {
    const hash = await node(echo, { inputs: { depth: 'float' } });

    expect(await fixture.failureOf(hash, inputs)).toMatchObject({
      kind: 'invalid',
      message,
      details: { input: 'depth' },
    });
  });

  it('a reference to a value that is not there is an error that says where', async () => {
    const { hash, size } = await fixture.files.put('[{"name":"a"}]');
    const action = await node(echo, { inputs: { name: 'string' } });

    expect(await fixture.failureOf(action, { name: { $value: hash, size, path: [3, 'name'] } })).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('[3,"name"]'),
    });
  });

  it('an output that is missing is an error by its name, unless it is optional', async () => {
    const outputs = { total: 'integer', note: { type: 'string', optional: true } } as const;

    expect(await fixture.failureOf(await node('module.exports = () => ({ note: "x" })', { outputs }))).toMatchObject({
      kind: 'invalid',
      message: 'The output total is required and was not returned',
    });
    expect(await fixture.outputsOf(await node('module.exports = () => ({ total: 3.0 })', { outputs }))).toEqual({
      total: 3,
      note: null,
    });
  });

  it('an output of another type is an error that names it, what was declared and what was found', async () => {
    const hash = await node('module.exports = () => ({ total: "3" })', { outputs: { total: 'integer' } });

    expect(await fixture.failureOf(hash)).toEqual({
      kind: 'invalid',
      message: 'The output total: expected integer, found a string',
      details: { output: 'total', expected: 'integer' },
    });
  });

  it('an undeclared output is ignored with a warning', async () => {
    const { outcome, log } = await fixture.run(
      await node('module.exports = () => ({ total: 3, extra: 1 })', { outputs: { total: 'integer' } }),
    );

    const warning = 'The output extra is not declared and was ignored';
    expect(outcome).toEqual({ status: 'succeeded', outputs: { total: 3 }, warnings: [warning] });
    expect(log.text).toContain(`[ryax] ${warning}`);
  });

  it('a null of type json is a value', async () => {
    expect(await fixture.outputsOf(await node('module.exports = () => ({ seen: null })', seen))).toEqual({
      seen: null,
    });
  });

  it.each([
    ['a value', `{ $value: 'sha256:${'0'.repeat(64)}', size: 3 }`],
    ['a secret', `{ deep: [{ $secret: '${'0'.repeat(64)}' }] }`],
  ])('a reference to %s cannot be made up by an action', async (_, made) => {
    expect(await fixture.failureOf(await node(`module.exports = () => ({ seen: ${made} })`, seen))).toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('The output seen'),
    });
  });

  it('a value that is nested too deeply for its readers is refused', async () => {
    const deep = script(
      `node -e 'console.log(JSON.stringify({ seen: "d" }).replace(/"d"/, "[".repeat(9e4) + "]".repeat(9e4)))' > $RYAX_OUTPUTS`,
      { seen: 'json' },
    );

    expect(await fixture.failureOf(deep)).toMatchObject({
      kind: 'invalid',
      message: `The output seen: ${tooDeep}`,
    });
  });

  it.each(['handler', 'command'])(
    'an input of a %s that nests too deeply once it is put together is refused',
    async (kind) => {
      const { hash, size } = await fixture.files.put('['.repeat(499) + ']'.repeat(499));
      const action = kind === 'command' ? script('true') : await node(echo, { inputs: { tree: 'json' } });

      expect(await fixture.failureOf(action, { tree: [[{ leaf: { $value: hash, size } }]] })).toEqual({
        kind: 'invalid',
        message: `The input tree: ${tooDeep}`,
        details: { input: 'tree' },
      });
    },
  );

  it('an action that is not in the filestore, or is none, is told apart from one that fails', async () => {
    expect(await fixture.failureOf(`sha256:${'0'.repeat(64)}`)).toMatchObject({ kind: 'image' });
    const { hash } = await fixture.files.put('no archive');
    expect(await fixture.failureOf(hash)).toMatchObject({ kind: 'image' });
  });

  describe('passwords', () => {
    const place = { streamId: 'default.run-1', path: 'inputs.token' };
    const withToken = { inputs: { token: 'password' } } as const;

    it('are plain text for the handler', async () => {
      const token = await fixture.secrets.put(place, 'open-sesame');

      expect(
        await fixture.outputsOf(
          await node('module.exports = ({ token }) => ({ seen: token.length })', { ...withToken, ...seen }),
          { token },
        ),
      ).toEqual({
        seen: 11,
      });
    });

    it('are masked in the log, also in printed JSON and when they are written in pieces', async () => {
      const token = await fixture.secrets.put(place, 'open "sesame"\n');
      const code = `module.exports = async (inputs) => {
        console.log(JSON.stringify(inputs));
        process.stdout.write('open "ses');
        await new Promise((go) => setTimeout(go, 20));
        process.stdout.write('ame"\\n, and open "ses');
      }`;

      const { log } = await fixture.run(await node(code, withToken), { token });

      expect(log.text).toBe('{"token":"****"}\n****, and open "ses');
    });

    it('are masked in the failure’s message', async () => {
      const token = await fixture.secrets.put(place, 'open-sesame');
      const hash = await node('module.exports = ({ token }) => { throw new Error(`refused ${token}`) }', withToken);

      expect(await fixture.failureOf(hash, { token })).toEqual({ kind: 'crash', message: 'Error: refused ****' });
    });

    it('leave as references when they are outputs', async () => {
      const hash = await node("module.exports = () => ({ key: 'brand-new' })", { outputs: { key: 'password' } });

      const { key } = await fixture.outputsOf(hash);

      expect(key).toEqual({ $secret: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(await fixture.secrets.read(key as SecretReference)).toBe('brand-new');
    });

    it('that were deleted keep the attempt from starting', async () => {
      const token = await fixture.secrets.put(place, 'to be deleted');
      await fixture.secrets.delete(token);

      expect(await fixture.failureOf(await node(echo, withToken), { token })).toMatchObject({
        message: expect.stringContaining('has been deleted'),
      });
    });
  });
});

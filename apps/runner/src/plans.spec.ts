import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import { LocalFileStore, putJson } from '@ryax/filestore';
import { DefinitionNotFoundError, Plans } from './plans';

const hashOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const declared = { inputs: [], outputs: [], resources: {}, categories: [], warnings: [] };
const manifest = { version: '1', human_name: 'x', kind: 'Processor', runtime: 'python3', ...declared };
const pinned = (id: string, digit: string): JsonObject => ({
  content_hash: hashOf(digit),
  manifest: { id, ...manifest },
});

describe(Plans.name, () => {
  let directory: string;
  let files: LocalFileStore;
  let plans: Plans;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ryax-plans-'));
    files = await LocalFileStore.open(directory);
    plans = new Plans(files);
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function stored(actions: readonly JsonObject[], pins: JsonObject): Promise<string> {
    const spec = { id: 'flow', trigger: { kind: 'manual' }, actions: [...actions] };
    const definition = { apiVersion: 'ryax.tech/v2.0', kind: 'Workflow', spec };
    return (await putJson(files, { definition, actions: pins })).hash;
  }

  async function timed<T>(work: () => Promise<T>): Promise<[T, number]> {
    const beganAtMs = performance.now();
    return [await work(), performance.now() - beganAtMs];
  }

  describe('tells the handlers of a definition', () => {
    it('of 100,000 actions without holding up all else for as long as a plan of it would', async () => {
      const actions = Array.from({ length: 100_000 }, (_, at) => ({ id: `a${at}`, action: `h${at % 2}@1` }));
      const hash = await stored(actions, { 'h0@1': pinned('h0', 'a'), 'h1@1': pinned('h1', 'b') });
      const [handlers, tookMs] = await timed(() => plans.handlers(hash, 100));
      expect(handlers.map(({ contentHash }) => contentHash)).toEqual([hashOf('a'), hashOf('b')]);
      const [, compiledMs] = await timed(() => plans.get(hash));
      // Measured: 0.2 s and 4.5 s.
      expect(tookMs).toBeLessThan(compiledMs / 3);
    }, 120_000);

    it('and looks at no more of what is pinned than it tells, nor takes a name of every object for one', async () => {
      const entry = (id: string, action: string) => ({ id, action });
      const hash = await stored([entry('a', 'toString'), entry('b', 'good@1'), entry('c', 'bad@1')], {
        'good@1': pinned('good', 'a'),
        'bad@1': { content_hash: 'none' },
      });
      expect(await plans.handlers(hash, 1)).toMatchObject([{ contentHash: hashOf('a') }]);
      await expect(plans.handlers(hash, 2)).rejects.toThrow();
    });

    it('and says so where nothing is stored under the hash', async () => {
      await expect(plans.handlers(hashOf('f'), 1)).rejects.toThrow(DefinitionNotFoundError);
    });
  });
});

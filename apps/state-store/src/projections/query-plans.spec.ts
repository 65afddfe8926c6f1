import { createTestDatabase } from '@ryax/testing';
import { createWorld, type World } from '../testing/stores';
import { selectExecutions } from './executions/list-executions';
import { runListStatement, type RunFilter } from './runs/list-runs';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

const runs = 100_000;
const limit = 50;

describe('plans of list queries over 100,000 runs', () => {
  let world: World;
  const usedIndexes = new Set<string>();

  beforeAll(async () => {
    world = await createWorld(await createTestDatabase());
    await fill();
  }, 120_000);
  afterAll(() => world.end());

  /** One run in a hundred has failed; one workflow in ten; each team has a tenth of the runs. */
  async function fill(): Promise<void> {
    await world.database.query(
      `INSERT INTO read_models.runs
       SELECT 'default', 'r' || n, 'w' || n % 10, 1, 'h', CASE WHEN n % 100 = 0 THEN 'failed' ELSE 'succeeded' END, '{}', n, n, n
       FROM generate_series(1, ${runs}) n`,
    );
    await world.database.query(
      `INSERT INTO read_models.run_labels
       SELECT 'default', '["team","' || (n / 7) % 10 || '"]', n, 'r' || n FROM generate_series(1, ${runs}) n
       UNION ALL SELECT 'default', '["lane","' || n % 2 || '"]', n, 'r' || n FROM generate_series(1, ${runs}) n`,
    );
    await world.database.query(
      `INSERT INTO read_models.executions
       SELECT n, 'default', 'r' || n, 'fit', CASE WHEN n % 1000 = 0 THEN 'failed' ELSE 'succeeded' END, 1, 1, 'e', n
       FROM generate_series(1, ${runs}) n`,
    );
    await world.database.query('ANALYZE read_models.runs, read_models.run_labels, read_models.executions');
  }

  /** By a replica's own connection: it says how statements are planned. */
  async function explain(text: string, values: readonly unknown[]): Promise<readonly PlanNode[]> {
    const [row] = await world.eventLog.database.query<{ 'QUERY PLAN': readonly { readonly Plan: PlanNode }[] }>(
      { name: '', text: `EXPLAIN (ANALYZE, FORMAT JSON) ${text}` },
      values,
    );
    const nodes = (row?.['QUERY PLAN'] ?? []).flatMap(({ Plan }) => flatten(Plan));
    for (const { 'Index Name': index } of nodes) if (index !== undefined) usedIndexes.add(index);
    return nodes;
  }

  /** Rows that were looked at anywhere in the plan. */
  function rowsRead(nodes: readonly PlanNode[]): number {
    const scans = nodes.filter((node) => node['Node Type'].includes('Scan'));
    return scans.reduce(
      (sum, node) => sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );
  }

  const filters: readonly (readonly [string, Omit<RunFilter, 'project' | 'limit'>, number])[] = [
    ['no filter', {}, 2 * limit],
    ['workflow', { workflowId: 'w3' }, 2 * limit],
    ['state', { state: 'failed' }, 2 * limit],
    ['workflow and state', { workflowId: 'w0', state: 'failed' }, 2 * limit],
    ['workflow and a state that none of its runs is in', { workflowId: 'w3', state: 'failed' }, 2 * limit],
    ['a page far back', { before: 500 }, 2 * limit],
    ['label', { labels: { team: '4' } }, 4 * limit],
    ['two labels', { labels: { team: '4', lane: '1' } }, 20 * limit],
    ['label and workflow', { labels: { team: '4' }, workflowId: 'w3' }, 50 * limit],
  ];

  it.each(filters)(
    '%s: walks an index in the order of the list and reads about a page',
    async (_name, filter, atMost) => {
      const { text, values } = runListStatement({ project: 'default', limit, ...filter });
      const nodes = await explain(text, values);
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Sort');
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
      expect(rowsRead(nodes)).toBeLessThanOrEqual(atMost);
    },
  );

  it('executions by how they ended: the same', async () => {
    const nodes = await explain(selectExecutions.text, ['default', 'failed', 1_000_000_000, limit]);
    expect(nodes.map((node) => node['Node Type'])).not.toContain('Seq Scan');
    expect(rowsRead(nodes)).toBeLessThanOrEqual(2 * limit);
  });

  it('there is no index that no query uses', async () => {
    await explain(`SELECT * FROM read_models.runs WHERE project = $1 AND run_id = $2`, ['default', 'r7']);
    const indexes = await world.database.query<{ indexname: string }>(
      `SELECT indexname FROM pg_indexes WHERE schemaname = 'read_models' AND tablename IN ('runs', 'run_labels', 'executions')`,
    );
    expect([...usedIndexes].sort()).toEqual(indexes.map(({ indexname }) => indexname).sort());
  });
});

function flatten(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flatten)];
}

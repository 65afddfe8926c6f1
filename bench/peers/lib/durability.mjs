/**
 * A figure counts only with the durability that the peer's README promises.
 * @param {{ query: (sql: string) => Promise<{ rows: { name: string, setting: string }[] }> }} db
 */
export async function expectDurablePostgres(db) {
  const names = ['fsync', 'synchronous_commit', 'full_page_writes'];
  const { rows } = await db.query(
    `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join(', ')})`,
  );
  const on = rows.filter(({ setting }) => setting === 'on');
  if (on.length !== names.length) {
    throw new Error(`Expected ${names.join(', ')} to be on, found ${JSON.stringify(rows)}`);
  }
}

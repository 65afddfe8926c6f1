import type { Connection } from './database';
import type { SettingRow } from './entities';
import type { Statement } from './sql';

/** What the first start decided for the life of a database. */
export class Settings {
  constructor(private readonly connection: Connection) {}

  /** The number of partitions that streams are spread over: what the first caller configured, for all later ones. */
  async partitionCount(configured: number): Promise<number> {
    return Number(await this.decideOnce('partitions', String(configured)));
  }

  private async decideOnce(key: string, value: string): Promise<string> {
    await this.connection.query(insert, [key, value]);
    const [row] = await this.connection.query<Pick<SettingRow, 'value'>>(select, [key]);
    return row?.value ?? value;
  }
}

const insert: Statement = {
  name: 'insert-setting',
  text: `INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
};

const select: Statement = { name: 'select-setting', text: `SELECT value FROM settings WHERE key = $1` };

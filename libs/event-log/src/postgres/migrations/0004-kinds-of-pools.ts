import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A member says what its pools are like. Whoever writes rows without it meanwhile describes none. */
export class KindsOfPools implements MigrationInterface {
  readonly name = 'KindsOfPools0000000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE members ADD COLUMN pool_kinds text NOT NULL DEFAULT '[]'`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Expected migrations to go forward only, found an attempt to undo one'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A member names the lock that it holds while it lives. Rows of versions that take none have none. Without a default, so that
 * it is done at once, and whoever writes rows without it meanwhile goes on.
 */
export class LocksOfMembers implements MigrationInterface {
  readonly name = 'LocksOfMembers0000000000002';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE members ADD COLUMN lock text`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Expected migrations to go forward only, found an attempt to undo one'));
  }
}

import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A member says whether its work outlives it. With a default that is no expression, so that it is done at once, and whoever writes
 * rows without it meanwhile, for executors of processes, goes on.
 */
export class MembersThatKeepWork implements MigrationInterface {
  readonly name = 'MembersThatKeepWork0000000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE members ADD COLUMN keeps_work boolean NOT NULL DEFAULT false`);
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Expected migrations to go forward only, found an attempt to undo one'));
  }
}

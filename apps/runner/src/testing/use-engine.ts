import { createTestDatabase, type TestDatabase } from '@ryax/testing';
import { Engine } from './engine';

/**
 * An engine for each test, on a database of the test's own: what another has left open would be taken over and handed out, and its
 * executors presumed to live.
 */
export function useEngine(): () => Engine {
  let database: TestDatabase;
  let engine: Engine;
  beforeEach(async () => {
    database = await createTestDatabase();
    engine = await Engine.open(database.url);
  });
  afterEach(async () => {
    await engine.close();
    await database.drop();
  });
  return () => engine;
}

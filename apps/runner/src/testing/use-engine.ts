import { createTestDatabase, type TestDatabase } from '@ryax/testing';
import { Engine } from './engine';

/**
 * An engine for each test, on a database of the test's own: what another has left open would be taken over and handed out, and its
 * executors presumed to live.
 */
export function useEngine(): () => Engine {
  let database: TestDatabase | undefined;
  let engine: Engine | undefined;
  beforeEach(async () => {
    database = await createTestDatabase();
    engine = await Engine.open(database.url);
  });
  afterEach(async () => {
    const opened = { database, engine };
    database = engine = undefined;
    try {
      await opened.engine?.close();
    } finally {
      await opened.database?.drop();
    }
  });
  return () => {
    if (engine === undefined) throw new Error('The engine is there inside of a test');
    return engine;
  };
}

import { useTestDatabase } from '@ryax/testing';
import { Engine } from './engine';

/**
 * An engine for each test, on a database of its `describe`'s own: what another leaves open would be taken over, and its executors
 * presumed to live.
 */
export function useEngine(): () => Engine {
  const database = useTestDatabase();
  let engine: Engine;
  beforeEach(async () => {
    engine = await Engine.open(database.url);
  });
  afterEach(() => engine.close());
  return () => engine;
}

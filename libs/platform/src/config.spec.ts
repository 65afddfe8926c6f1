import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, loadConfig, type Environment } from './config';
import {
  brokerUrl,
  dataDirectory,
  datastoreUrl,
  encryptionKey,
  healthPort,
  httpPort,
  jwtSecretKey,
  logLevel,
  pool,
  site,
} from './config-variables';

const schema = z.object({
  RYAX_BROKER: brokerUrl,
  RYAX_DATASTORE: datastoreUrl,
  RYAX_DATA_DIR: dataDirectory,
  RYAX_HTTP_PORT: httpPort,
  RYAX_HEALTH_PORT: healthPort,
  RYAX_JWT_SECRET_KEY: jwtSecretKey.optional(),
  RYAX_ENCRYPTION_KEY: encryptionKey,
  RYAX_LOG_LEVEL: logLevel,
  RYAX_SITE: site.default('local'),
  RYAX_POOL: pool.default('default'),
});

const complete = {
  RYAX_BROKER: 'amqp://guest:guest@localhost:5672/',
  RYAX_DATASTORE: 'postgres://ryax:pw@localhost/ryax',
  RYAX_ENCRYPTION_KEY: 'sixteen characters',
};

describe('loadConfig', () => {
  it('gives one frozen, typed object with the defaults filled in', () => {
    const config = loadConfig(schema, { ...complete, RYAX_HTTP_PORT: '8080', UNRELATED: 'x' });

    expect(config).toEqual({
      ...complete,
      RYAX_DATA_DIR: '.ryax',
      RYAX_HTTP_PORT: 8080,
      RYAX_HEALTH_PORT: 9090,
      RYAX_LOG_LEVEL: 'info',
      RYAX_SITE: 'local',
      RYAX_POOL: 'default',
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('names every faulty variable at once, with what was expected and what was found', () => {
    const error = faultsOf({
      RYAX_BROKER: 'http://x',
      RYAX_HTTP_PORT: 'eighty',
      RYAX_LOG_LEVEL: 'loud',
      RYAX_SITE: 'A B',
    });

    expect(error.faults).toEqual([
      { variable: 'RYAX_BROKER', expected: expect.stringContaining('amqp://'), found: 'another value (secret)' },
      { variable: 'RYAX_DATASTORE', expected: expect.stringContaining('postgres://'), found: 'nothing' },
      { variable: 'RYAX_HTTP_PORT', expected: 'a port between 0 and 65535', found: '"eighty"' },
      { variable: 'RYAX_ENCRYPTION_KEY', expected: 'a secret text', found: 'nothing' },
      { variable: 'RYAX_LOG_LEVEL', expected: 'one of debug, info, warn, error', found: '"loud"' },
      { variable: 'RYAX_SITE', expected: expect.stringContaining('a-z'), found: '"A B"' },
    ]);
    expect(error.message).toContain('RYAX_HTTP_PORT: expected a port between 0 and 65535, found "eighty"');
  });

  it('takes the empty text for nothing, as compose files give it', () => {
    expect(loadConfig(schema, { ...complete, RYAX_SITE: '', RYAX_JWT_SECRET_KEY: '' }).RYAX_SITE).toBe('local');
    expect(faultsOf({ ...complete, RYAX_BROKER: '' }).faults).toHaveLength(1);
  });

  it('refuses a port that is a number but no port', () => {
    expect(faultsOf({ ...complete, RYAX_HTTP_PORT: '65536' }).faults).toHaveLength(1);
  });

  it('never shows a secret, nor what a wrapped one was given', () => {
    const key = 'too short';
    const short = z.object({ KEY: encryptionKey.optional(), BROKER: brokerUrl.default('memory://') });

    const error = errorOf(() => loadConfig(short, { KEY: key, BROKER: 'amqp//user:hunter2@host' }));

    expect(error.faults).toHaveLength(2);
    expect(error.message).not.toContain(key);
    expect(error.message).not.toContain('hunter2');
  });

  describe('given a secret in a file', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'ryax-config-'));
      writeFileSync(join(folder, 'broker'), 'amqp://user:pw@host/\n');
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const { RYAX_BROKER: _, ...withoutBroker } = complete;

    it('reads it without its last newline', () => {
      const config = loadConfig(schema, { ...withoutBroker, RYAX_BROKER_FILE: join(folder, 'broker') });
      expect(config.RYAX_BROKER).toBe('amqp://user:pw@host/');
    });

    it('reports a file that cannot be read under its own name, once', () => {
      const { faults } = faultsOf({ ...withoutBroker, RYAX_BROKER_FILE: join(folder, 'absent') });
      expect(faults).toEqual([
        { variable: 'RYAX_BROKER_FILE', expected: 'a readable file', found: expect.stringContaining('ENOENT') },
      ]);
    });

    it('refuses a value and a file for the same variable', () => {
      const { faults } = faultsOf({ ...complete, RYAX_BROKER_FILE: join(folder, 'broker') });
      expect(faults).toEqual([
        { variable: 'RYAX_BROKER', expected: 'either RYAX_BROKER or RYAX_BROKER_FILE', found: 'both' },
      ]);
    });

    it('does not look for a file where nothing is secret', () => {
      expect(loadConfig(schema, { ...complete, RYAX_SITE_FILE: join(folder, 'broker') }).RYAX_SITE).toBe('local');
    });
  });
});

function faultsOf(env: Environment): ConfigError {
  return errorOf(() => loadConfig(schema, env));
}

function errorOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('Expected a ConfigError, found a configuration');
}

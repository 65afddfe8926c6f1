import { z } from 'zod';
import { secret } from './config';
import { logLevels } from './log';

/** The variables that several services share, as parts for their schemas: `z.object({ RYAX_BROKER: brokerUrl })`. */

/** `RYAX_BROKER`: where messages flow. `memory://` is the transport inside one process. Holds a password. */
export const brokerUrl = secret(
  z
    .string('a url like amqp://user:password@host:5672/vhost, or memory://')
    .refine(hasProtocol('amqp', 'amqps', 'memory'), {
      error: 'a url like amqp://user:password@host:5672/vhost, or memory://',
    }),
);

/** `RYAX_DATASTORE`: the PostgreSQL of the event log and the read models. Holds a password. */
export const datastoreUrl = secret(
  z.string('a url like postgres://user:password@host:5432/database').refine(hasProtocol('postgres', 'postgresql'), {
    error: 'a url like postgres://user:password@host:5432/database',
  }),
);

/** `RYAX_DATA_DIR`: what a service keeps on disk (files, embedded database, keys). */
export const dataDirectory = z.string().default('.ryax');

/** A TCP port; 0 lets the system choose. */
export function port(fallback: number) {
  const expected = 'a port between 0 and 65535';
  return z
    .string()
    .regex(/^\d{1,5}$/, expected)
    .transform(Number)
    .refine((value) => value <= 65_535, expected)
    .default(fallback);
}

/** `RYAX_HTTP_PORT`: the REST interface. */
export const httpPort = port(8000);

/** `RYAX_HEALTH_PORT`: `/healthz`, `/readyz` and `/metrics` of a service without REST. */
export const healthPort = port(9090);

/** `RYAX_JWT_SECRET_KEY`: HS256 key that signs the callers' tokens. */
export const jwtSecretKey = secret(z.string('a secret text'));

/** `RYAX_ENCRYPTION_KEY`: what passwords at rest are encrypted with; any text, from which the key is derived. */
export const encryptionKey = secret(z.string('a secret text').min(16, 'a secret text of at least 16 characters'));

/** `RYAX_LOG_LEVEL`: the least urgent lines that are written. */
export const logLevel = z.enum(logLevels, `one of ${logLevels.join(', ')}`).default('info');

/** `RYAX_PARTITIONS`: of the runner's inbox. Stored at the very first start, ignored afterwards. */
export const partitions = z
  .string()
  .regex(/^\d{1,4}$/, 'a whole number from 1 to 1024')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 1024, 'a whole number from 1 to 1024')
  .default(16);

const word = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'up to 63 of a-z, 0-9 and inner dashes (it is part of routing keys)');

/** A limit: a whole number from 1 to the most that the other parts can bear. */
export function upTo(most: number, fallback = most) {
  const expected = `a whole number from 1 to ${most}`;
  return z
    .string()
    .regex(/^\d{1,10}$/, expected)
    .transform(Number)
    .refine((value) => value >= 1 && value <= most, expected)
    .default(fallback);
}

/** `RYAX_SITE`: where an executor stands. */
export const site = word;

/** `RYAX_POOL`: which resources of its site an executor offers. */
export const pool = word;

function hasProtocol(...protocols: string[]) {
  return (value: string) => URL.canParse(value) && protocols.includes(new URL(value).protocol.slice(0, -1));
}

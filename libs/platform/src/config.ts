import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { messageOf } from './errors';

/** One variable of the environment that is missing or wrong. */
export interface ConfigFault {
  readonly variable: string;
  readonly expected: string;
  readonly found: string;
}

/** What somebody has to put right before a start can succeed. The message says all of it: where it was thrown does not matter. */
export class WrongConfiguration extends Error {}

/** Every fault of the configuration at once, so that one start is enough to see them all. */
export class ConfigError extends WrongConfiguration {
  readonly code = 'config_invalid';

  constructor(readonly faults: readonly ConfigFault[]) {
    const lines = faults.map(({ variable, expected, found }) => `  ${variable}: expected ${expected}, found ${found}`);
    super(`The configuration is not valid:\n${lines.join('\n')}`);
    this.name = 'ConfigError';
  }
}

/** What a process is given; absent and empty mean the same, as compose files write `${NAME:-}`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the variables that the schema's keys name into one frozen object. A variable that holds a secret may
 * instead come from a file: `RYAX_BROKER_FILE=/run/secrets/broker`.
 */
export function loadConfig<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  env: Environment = process.env,
): Readonly<z.infer<z.ZodObject<Shape>>> {
  const given: Record<string, string> = {};
  const faults: ConfigFault[] = [];
  for (const [variable, part] of Object.entries(schema.shape)) {
    const value = readVariable(variable, isSecret(part), env, faults);
    if (value !== undefined) given[variable] = value;
  }

  const parsed = schema.safeParse(given);
  if (!parsed.success) faults.push(...faultsOf(parsed.error, schema, given, new Set(faults.map((f) => f.variable))));
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults);
  return Object.freeze(parsed.data);
}

const secrets = new WeakSet();

/** Marks a variable whose value never appears in an error, and which may be given as a file (`…_FILE`). */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  secrets.add(schema);
  return schema;
}

function readVariable(variable: string, mayBeFile: boolean, env: Environment, faults: ConfigFault[]) {
  const value = env[variable] || undefined;
  const file = mayBeFile ? env[`${variable}_FILE`] || undefined : undefined;
  if (file === undefined) return value;
  if (value !== undefined) {
    faults.push({ variable, expected: `either ${variable} or ${variable}_FILE`, found: 'both' });
    return undefined;
  }
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch (error) {
    faults.push({ variable: `${variable}_FILE`, expected: 'a readable file', found: messageOf(error) });
    return undefined;
  }
}

function faultsOf(
  error: z.ZodError,
  schema: z.ZodObject<z.ZodRawShape>,
  given: Readonly<Record<string, string>>,
  known: ReadonlySet<string>,
): ConfigFault[] {
  return error.issues
    .map((issue) => {
      const variable = String(issue.path[0] ?? '(all)');
      const part: z.core.$ZodType | undefined = schema.shape[variable];
      const value = given[variable];
      const shown = value === undefined ? 'nothing' : part && isSecret(part) ? 'another value (secret)' : `"${value}"`;
      return { variable, expected: issue.message.replace(/^expected /i, ''), found: shown };
    })
    .filter(({ variable }) => !known.has(variable) && !known.has(`${variable}_FILE`));
}

/** Looks through `.optional()`, `.default()` and the like. */
function isSecret(schema: z.core.$ZodType): boolean {
  if (secrets.has(schema)) return true;
  const def: object = schema._zod.def;
  if ('innerType' in def && def.innerType instanceof z.core.$ZodType) return isSecret(def.innerType);
  if ('in' in def && def.in instanceof z.core.$ZodType) return isSecret(def.in);
  return false;
}

/** What actions may see of the environment that the engine itself was started in: how to find programs, never our secrets. */
const inherited = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TZ',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
];

/** The part of the environment that is passed on to actions. */
export function inheritedEnvironment(env: Environment = process.env): Readonly<Record<string, string>> {
  const entries = inherited.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]] as const]));
  return Object.fromEntries(entries);
}

import { userInfo } from 'node:os';
import type { JsonObject, JsonValue } from '@ryax/contracts';
import type { Launch } from '../launcher';
import type { Room } from './room';

export type Environment = Readonly<Record<string, string>>;

/** What the kernel takes for one variable is 128 KiB, for all of them 2 MiB. Longer values are in `$RYAX_INPUTS` only. */
const longestVariable = 100_000;
const longestEnvironment = 1_000_000;

/**
 * What an action sees of the environment: what its executor was told to pass on and what makes it run alike everywhere.
 * The executor's own environment holds secrets and stays out of it.
 */
export function actionEnvironment(base: Environment, room: Room): Environment {
  const { TMPDIR: _ours, ...passed } = base;
  const user = userName();
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    HOME: room.home,
    USER: user,
    LOGNAME: user,
    ...passed,
    PYTHONUTF8: '1',
    PYTHONUNBUFFERED: '1',
  };
}

/**
 * Who an attempt is. Run and execution are the same in each of its attempts: together they are the key by which an effect on
 * the outside, which may be asked for more than once, can be made to happen once (docs/reliability.md).
 */
export function attemptVariables({ runId, execution, attempt }: Launch): Environment {
  return { RYAX_RUN_ID: runId, RYAX_EXECUTION: execution, RYAX_ATTEMPT: String(attempt) };
}

/** A command's inputs as variables of their names, and the names of those that are too long for that. @param longest bytes of all together */
export function inputVariables(
  inputs: JsonObject,
  longest = longestEnvironment,
): {
  readonly variables: Environment;
  readonly tooLong: readonly string[];
} {
  const variables: Record<string, string> = {};
  const tooLong: string[] = [];
  let total = 0;
  for (const [name, value] of Object.entries(inputs)) {
    const text = variableText(value);
    if (text === undefined) continue;
    const bytes = Buffer.byteLength(text) + name.length + 2;
    if (bytes > longestVariable || total + bytes > longest || text.includes('\0')) {
      tooLong.push(name);
      continue;
    }
    total += bytes;
    variables[name] = text;
  }
  return { variables, tooLong };
}

/** Text as it is, everything else as JSON; nothing is no variable. */
function variableText(value: JsonValue): string | undefined {
  if (value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** `getpass.getuser()` must work, also for a user that has no entry in the password file. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'ryax';
  }
}

import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';

/** How a PostgreSQL program is started under this account. */
export interface Account {
  /** Put before the program and its arguments. */
  readonly prefix: readonly string[];
  /** Whom its files belong to; undefined: to whoever runs this, which needs no care. */
  readonly fileOwner: number | undefined;
}

const nobody = 65_534;

/**
 * PostgreSQL refuses to run as root. In a user namespace root's own files appear under another id: no account is made,
 * and the files stay root's. Where namespaces are refused (most containers) it becomes `nobody`, with the one capability
 * that lets it enter folders such as /root on the way to its data.
 */
const namespaced = ['unshare', '--user', `--map-user=${nobody}`, `--map-group=${nobody}`];
const demoted = [
  'setpriv',
  `--reuid=${nobody}`,
  `--regid=${nobody}`,
  '--clear-groups',
  // Else access(2) would answer as if there were no capability.
  '--securebits=+no_setuid_fixup',
  '--inh-caps=-all,+dac_override',
  '--ambient-caps=-all,+dac_override',
];

/** The kernel asks it to shut down when the process that started it dies, even by kill -9. Linux only. */
const diesWithParent = ['setpriv', '--pdeathsig', 'INT'];

export type Isolation = 'namespace' | 'nobody' | 'none';

export function chooseAccount(isolation: Isolation = bestIsolation()): Account {
  const watch = works(diesWithParent) ? diesWithParent : [];
  switch (isolation) {
    case 'none':
      return { prefix: watch, fileOwner: undefined };
    case 'namespace':
      return { prefix: [...watch, ...namespaced], fileOwner: 0 };
    case 'nobody':
      // A change of user clears the parent-death signal, so it is asked for afterwards.
      return { prefix: [...demoted, ...watch], fileOwner: nobody };
    default:
      return isolation satisfies never;
  }
}

/** The command that runs the binary under this account; its own arguments go behind `args`. */
export function under(
  { prefix }: Account,
  binary: string,
): { readonly program: string; readonly args: readonly string[] } {
  const [program, ...options] = prefix;
  return program === undefined ? { program: binary, args: [] } : { program, args: [...options, binary] };
}

/** Hands a folder over when it belongs to somebody else: PostgreSQL takes only data of its own user. */
export function giveTo({ fileOwner }: Account, folder: string): void {
  if (fileOwner === undefined || statSync(folder).uid === fileOwner) return;
  const { status, stderr } = spawnSync('chown', ['-R', `${fileOwner}:${fileOwner}`, folder], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Expected ${folder} to become user ${fileOwner}'s, found: ${stderr}`);
}

function bestIsolation(): Isolation {
  if (process.getuid?.() !== 0) return 'none';
  if (works(namespaced)) return 'namespace';
  if (works(demoted)) return 'nobody';
  throw new Error(
    'PostgreSQL does not run as root, and neither unshare nor setpriv (util-linux) can give it another user here. ' +
      'Start as another user, or give the url of a PostgreSQL in RYAX_DATASTORE.',
  );
}

function works([program, ...options]: readonly string[]): boolean {
  return program !== undefined && spawnSync(program, [...options, 'true'], { stdio: 'ignore' }).status === 0;
}

import { existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';

/** The broker itself, and what our scripts ask for. */
const used = ['rabbit', 'rabbitmq_prelaunch', 'rabbitmq_management'];

/**
 * Lays out an installed RabbitMQ without the plugins that we do not use, as links. Erlang looks for each of 1,500 modules in the folder
 * of each plugin, so that without these thirty the broker starts in two thirds of the time.
 *
 * @param server path of the start script of the installed one
 * @param directory where the links are made, anew each time
 * @returns the folder of scripts for `RABBITMQ_SCRIPTS_DIR`; undefined where it is not installed in a way that we know
 */
export function leanRabbitMq(server, directory) {
  // RabbitMQ's scripts do not quote this folder, and Erlang divides paths at colons.
  if (!isAbsolute(server) || /[^\w./@+-]/.test(directory)) return undefined;
  const home = dirname(dirname(realpathSync(server)));
  const installed = pluginsIn(join(home, 'plugins'));
  if (used.some((name) => !installed.has(name)) || !existsSync(join(home, 'sbin'))) return undefined;
  const needed = withRequirements(installed);
  // What is not a plugin of RabbitMQ is a library: not all who use one say so.
  const kept = [...installed.values()].filter(({ name }) => !name.startsWith('rabbitmq_') || needed.has(name));
  rmSync(directory, { recursive: true, force: true });
  linkAll(
    kept.map(({ folder }) => folder),
    join(home, 'plugins'),
    join(directory, 'plugins'),
  );
  linkAll(readdirSync(join(home, 'sbin')), join(home, 'sbin'), join(directory, 'sbin'));
  return join(directory, 'sbin');
}

/** By name: `ra-2.2.0/ebin/ra.app` is the one of `ra`. */
function pluginsIn(path) {
  const folders = existsSync(path) ? readdirSync(path) : [];
  const plugins = folders.map((folder) => {
    const [name] = folder.split('-');
    return { name, folder, manifest: join(path, folder, 'ebin', `${name}.app`) };
  });
  return new Map(plugins.filter(({ manifest }) => existsSync(manifest)).map((plugin) => [plugin.name, plugin]));
}

/** Names of those that are used, and of all that these say they need. */
function withRequirements(installed) {
  const needed = new Set(used);
  // Grows while it is walked.
  for (const name of needed) {
    const plugin = installed.get(name);
    if (plugin !== undefined)
      for (const other of requirementsIn(readFileSync(plugin.manifest, 'utf8'))) needed.add(other);
  }
  return needed;
}

/** Of `{applications, [kernel, stdlib, ranch]}`, an Erlang term. */
function requirementsIn(manifest) {
  const [, list = ''] = /\{\s*applications\s*,\s*\[([^\]]*)\]/.exec(manifest) ?? [];
  return list.match(/[a-z]\w*/g) ?? [];
}

function linkAll(names, from, into) {
  mkdirSync(into, { recursive: true });
  for (const name of names) symlinkSync(join(from, name), join(into, name));
}

import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';

/**
 * How Node runs the engine. The room for young objects is 16 MiB by default: a service that decides thousands of steps a second
 * fills it many times a second, and each time what is still in use is copied. The entrypoint of the image says the same.
 */
export const engineFlags = ['--enable-source-maps', '--max-semi-space-size=64'];

/**
 * How Node runs one of the four services, which have a limit of memory each: what is not young is collected when it has grown by 60 %.
 * By default it may grow by three times what is in use, so that an intake with 50 MiB in use takes 680.
 */
export const serviceFlags = [...engineFlags, '--heap-growing-percent=60'];

/** Runs a command with our terminal, and answers its exit status; a signal counts as failure. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: 'inherit', ...options });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Runs a command and throws, with what it printed, unless it succeeds. */
export async function runQuietly(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const output = [];
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const text = Buffer.concat(output).toString();
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${text.slice(-4000)}`);
  return text;
}

/** Whether a program is there to be called. */
export function hasProgram(name) {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0;
}

export function hasEnded(child) {
  return child.exitCode !== null || child.signalCode !== null;
}

/** Asks a child to end, and after the patience makes its whole group end. */
export async function endChild(child, { signal = 'SIGTERM', patienceMs = 15_000 } = {}) {
  if (child.pid === undefined || hasEnded(child)) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  signalGroup(child.pid, signal);
  const abort = new AbortController();
  await Promise.race([ended, wait(patienceMs, undefined, { signal: abort.signal }).catch(() => undefined)]);
  abort.abort();
  if (hasEnded(child)) return;
  signalGroup(child.pid, 'SIGKILL');
  await ended;
}

/** For children that were started detached: they lead a group of their own. */
export function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** The same as of `freePort` in libs/platform. */
const listeningPorts = { from: 10_240, to: 29_741 };

/** Ports that are free now, all different. */
export async function freePorts(count) {
  const servers = [];
  while (servers.length < count) {
    const server = await listenOn(randomInt(listeningPorts.from, listeningPorts.to));
    if (server !== undefined) servers.push(server);
  }
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** On all interfaces, as services do; undefined where somebody else does. */
function listenOn(port) {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen(port, '0.0.0.0', () => resolve(server));
  });
}

/** Whether somebody on this machine listens on the port. */
export function isOpen(port) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2_000 });
    const answer = (open) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true));
    socket.once('timeout', () => answer(true));
    socket.once('error', ({ code }) => answer(code !== 'ECONNREFUSED'));
  });
}

/**
 * Put before a command, this lets the kernel ask the process to end when we die, even by kill -9 (Linux), so that a killed
 * script leaves no server behind.
 */
export function diesWithUs() {
  const prefix = ['setpriv', '--pdeathsig', 'TERM'];
  return spawnSync(prefix[0], [...prefix.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? prefix : [];
}

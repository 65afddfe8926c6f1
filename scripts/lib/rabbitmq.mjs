import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { leanRabbitMq } from './lean-rabbitmq.mjs';
import { diesWithUs, endChild, freePorts, hasEnded, hasProgram, isOpen } from './processes.mjs';

/** Where packages put the server itself. The one in Debian's /usr/sbin changes user and folders, so it comes last. */
const places = [
  '/usr/lib/rabbitmq/bin/rabbitmq-server',
  '/opt/homebrew/opt/rabbitmq/sbin/rabbitmq-server',
  '/usr/local/opt/rabbitmq/sbin/rabbitmq-server',
];

const hostsCheck = '/api/health/checks/virtual-hosts';
const startDeadlineMs = 120_000;
const stopPatienceMs = 20_000;

/** The path of a RabbitMQ that can be started without privileges, if there is one. */
export function findRabbitMq() {
  return places.find((path) => existsSync(path)) ?? (hasProgram('rabbitmq-server') ? 'rabbitmq-server' : undefined);
}

/**
 * A RabbitMQ of our own: private folders, ports, node name, cookie and port mapper, so that it neither meets nor disturbs
 * another one on this machine. `ports` are kept over a restart in the same folder.
 */
export async function startRabbitMq({ server, directory, ports, name = `ryax-${process.pid}-${Date.now()}` }) {
  const chosen = ports ?? (await freePorts(4));
  const [port, managementPort, distributionPort, mapperPort] = chosen;
  const env = prepare({ server, directory, port, managementPort, distributionPort, mapperPort, name });

  const mapper = await startPortMapper(mapperPort, env);
  const logPath = join(directory, 'rabbitmq.log');
  const child = launch(server, env, logPath);
  try {
    await waitUntilReady(child, { port, managementPort, logPath });
  } catch (error) {
    await endChild(child, { signal: 'SIGKILL' });
    await endChild(mapper);
    throw error;
  }
  const stop = async (signal = 'SIGTERM') => {
    await endChild(child, { signal, patienceMs: stopPatienceMs });
    await endChild(mapper);
    // The child is the start script; Erlang, in its group, may take a moment longer to let go of its ports.
    await waitUntilClosed([port, managementPort, distributionPort]);
  };
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    managementUrl: `http://guest:guest@127.0.0.1:${managementPort}`,
    ports: chosen,
    name,
    /** Of its start script; Erlang is its descendant. */
    pid: child.pid,
    /** SIGTERM writes what is durable; SIGKILL is a crash. */
    stop,
  };
}

function prepare({ server, directory, port, managementPort, distributionPort, mapperPort, name }) {
  const path = (...parts) => join(directory, ...parts);
  for (const folder of ['home', 'mnesia', 'log']) mkdirSync(path(folder), { recursive: true, mode: 0o700 });
  writeFileSync(path('plugins'), '[rabbitmq_management].\n');
  writeFileSync(
    path('rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${managementPort}`,
      // How late its lists are; the default, 5 s, is long for a test that waits for one.
      'collect_statistics_interval = 1000',
      // A developer's laptop is often nearly full; the default limit would silently block every publisher.
      'disk_free_limit.absolute = 64MB',
      '',
    ].join('\n'),
  );
  const { PATH, LANG = 'C.UTF-8', ERL_AFLAGS } = process.env;
  const scripts = leanRabbitMq(server, path('lean'));
  return {
    PATH,
    LANG,
    ...(ERL_AFLAGS ? { ERL_AFLAGS } : {}),
    ...(scripts === undefined ? {} : { RABBITMQ_SCRIPTS_DIR: scripts }),
    HOME: path('home'),
    // At localhost: a host name that does not resolve hangs the start.
    RABBITMQ_NODENAME: `${name}@localhost`,
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_MNESIA_BASE: path('mnesia'),
    RABBITMQ_LOG_BASE: path('log'),
    RABBITMQ_LOGS: '-',
    RABBITMQ_CONFIG_FILE: path('rabbitmq.conf'),
    RABBITMQ_ENABLED_PLUGINS_FILE: path('plugins'),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    ERL_EPMD_PORT: String(mapperPort),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
}

/**
 * Erlang would start its port mapper (epmd) by itself as a daemon that outlives the broker. Started by us before, in the
 * foreground, it is a child that we can end.
 */
async function startPortMapper(port, env) {
  const program = hasProgram('epmd') ? 'epmd' : join(erlangRoot(), 'bin', 'epmd');
  const [command, ...args] = [...diesWithUs(), program, '-port', String(port), '-address', '127.0.0.1'];
  const mapper = spawn(command, args, { env, stdio: 'ignore', detached: true });
  await new Promise((resolve, reject) => mapper.once('spawn', resolve).once('error', reject));
  return mapper;
}

function erlangRoot() {
  return ['/usr/lib/erlang', '/opt/homebrew/lib/erlang', '/usr/local/lib/erlang'].find(existsSync) ?? '/usr/lib/erlang';
}

function launch(server, env, logPath) {
  const log = openSync(logPath, 'a');
  const [command, ...args] = [...diesWithUs(), server];
  try {
    // A group of its own: Ctrl-C is for us alone (Erlang would open its break menu), and the group can be ended as one.
    return spawn(command, args, { env, stdio: ['ignore', log, log], detached: true, cwd: env.HOME });
  } finally {
    closeSync(log);
  }
}

async function waitUntilReady(child, { port, managementPort, logPath }) {
  let failure;
  child.once('error', (error) => (failure = error));
  const deadline = performance.now() + startDeadlineMs;
  while (performance.now() < deadline) {
    if (failure) throw failure;
    if (hasEnded(child)) {
      throw new Error(`RabbitMQ ended while starting:\n${readFileSync(logPath, 'utf8').slice(-3000)}`);
    }
    // Either may come up before the other.
    const isServing = (await isOpen(port)) && (await answers(`http://127.0.0.1:${managementPort}${hostsCheck}`));
    if (isServing) return;
    await wait(50);
  }
  throw new Error(`RabbitMQ was not ready after ${startDeadlineMs} ms; see ${logPath}`);
}

async function answers(url) {
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  try {
    const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(2_000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

async function waitUntilClosed(ports) {
  const deadline = performance.now() + stopPatienceMs;
  for (const port of ports) {
    while (await isOpen(port)) {
      if (performance.now() > deadline) throw new Error(`RabbitMQ was stopped, but port ${port} still answers`);
      await wait(20);
    }
  }
}

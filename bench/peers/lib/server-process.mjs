import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { diesWithUs, endChild, hasEnded } from '../../../scripts/lib/processes.mjs';

const startDeadlineMs = 60_000;
const pollMs = 20;

/**
 * A server of a peer while it runs.
 * @typedef {object} RunningServer
 * @property {number} pid
 * @property {object} target what client and worker must know to reach it
 * @property {Promise<void>} ended resolves when the server has ended, whether asked to or not
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server as a child that dies with us, and waits until it serves.
 * @param {{ command: string[], directory: string, target: object, isServing: () => Promise<boolean> }} options
 * @returns {Promise<RunningServer>}
 */
export async function startServerProcess({ command, directory, target, isServing }) {
  const logPath = join(directory, 'server.log');
  const log = openSync(logPath, 'a');
  const [program, ...args] = [...diesWithUs(), ...command];
  // Nothing in the caller's environment may configure the server.
  const env = { PATH: process.env.PATH };
  const child = spawn(program, args, { cwd: directory, env, stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  let failure;
  const ended = new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', (error) => {
      failure = error;
      resolve();
    });
  });
  const stop = () => endChild(child);

  const deadline = performance.now() + startDeadlineMs;
  while (!(await isServing())) {
    const reason = failure?.message ?? (hasEnded(child) ? 'it ended' : undefined);
    if (reason === undefined && performance.now() < deadline) {
      await wait(pollMs);
      continue;
    }
    await stop();
    const tail = readFileSync(logPath, 'utf8').slice(-2_000);
    throw new Error(`${command[0]} did not start: ${reason ?? `not ready after ${startDeadlineMs} ms`}\n${tail}`);
  }
  return { pid: child.pid, target, ended, stop };
}

import { Readable } from 'node:stream';
import type { Terminal } from '../context';
import { plain } from '../render/style';
import { runProgram } from '../run-program';
import { startFakeEngine, type Route } from './fake-engine';

/** Runs one command line against an engine that answers as it is told to. */
export async function ryax(routes: Record<string, Route>, ...args: string[]) {
  return ryaxWith('', routes, ...args);
}

/** The same, with something piped in. */
export async function ryaxWith(stdin: string, routes: Record<string, Route>, ...args: string[]) {
  const engine = await startFakeEngine(routes);
  try {
    return { ...(await run(stdin, engine.url, args)), asked: engine.asked };
  } finally {
    await engine.stop();
  }
}

/** Runs one command line against whatever is there, or is not. */
export function ryaxAt(url: string, ...args: string[]) {
  return run('', url, args);
}

async function run(stdin: string, url: string, args: readonly string[]) {
  let out = '';
  let notes = '';
  const terminal: Terminal = {
    isInteractive: false,
    paint: plain,
    size: () => ({ columns: 80, rows: 24 }),
    write: (text) => (out += text),
    note: (line) => (notes += `${line}\n`),
    stdin: () => Readable.from([stdin]),
  };
  const status = await runProgram(['--url', url, ...args], terminal, new AbortController().signal);
  return { status, out, notes };
}

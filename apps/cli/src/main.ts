#!/usr/bin/env node
import type { Terminal } from './context';
import { coloured, plain } from './render/style';
import { runProgram } from './run-program';

const { stdout, stderr } = process;
const isInteractive = stdout.isTTY;

const terminal: Terminal = {
  isInteractive,
  paint: isInteractive && stdout.hasColors() ? coloured : plain,
  size: () => ({ columns: stdout.columns, rows: stdout.rows }),
  write: (text) => stdout.write(text),
  note: (line) => stderr.write(`${line}\n`),
  stdin: () => process.stdin,
};

/** The first Ctrl-C ends politely, the second at once. */
const interruption = new AbortController();
process.once('SIGINT', () => interruption.abort());
process.once('SIGTERM', () => interruption.abort());

/** `ryax runs | head` closes our output early: there is nobody left to tell. */
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

runProgram(process.argv.slice(2), terminal, interruption.signal).then(
  (status) => (process.exitCode = status),
  (error: unknown) => {
    stderr.write(
      `This is a fault of ryax itself, please report it:\n${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 70;
  },
);

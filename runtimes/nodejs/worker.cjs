'use strict';

/*
 * Runs the handler of one Ryax action, call after call, in one process: `node worker.cjs FOLDER`.
 *
 * The protocol is that of runtimes/python3/worker.py: JSON lines, commands in on descriptor 3, replies out on 4; 1 and 2
 * are the log and belong to the handler; 5 and 6 are second copies of them, on which the end of a call's output is marked.
 * A reply with `last` is this worker's last. No dependencies, Node >= 20.
 */

const { writeSync } = require('node:fs');
const { createRequire } = require('node:module');
const { Socket } = require('node:net');
const { join, resolve } = require('node:path');

const commandsDescriptor = 3;
const repliesDescriptor = 4;
const logDescriptors = [5, 6];

const folder = resolve(process.argv[2]);
const handlerPath = join(folder, 'ryax_handler.js');
process.argv.splice(1, 2, handlerPath);

/** Streams and functions of before the handler could replace them. */
const logStreams = [process.stdout, process.stderr];
const writeToLog = logStreams.map((stream) => stream.write.bind(stream));
const exit = process.exit.bind(process);
for (const stream of logStreams) stream.on('error', () => undefined);

/** What the handler has returned is no output. */
class Refused extends Error {
  constructor(message, output) {
    super(message);
    this.reply = output === undefined ? { message } : { message, output };
  }
}

let handle;
/** The call that is running: its command, and whether its reply is being written already. */
let current;
/** An error that nobody has caught may have left the process in any state: it takes no more calls. */
let isBroken = false;

const commands = new Socket({ fd: commandsDescriptor, readable: true, writable: false });
readLines(commands, (line) => {
  void run(JSON.parse(line));
});
commands.on('end', () => exit(0)); // the executor has let go of this worker
commands.on('error', () => exit(0));

async function run(command) {
  current = { command, answered: false };
  // While the call runs only its own work keeps the process busy: see `beforeExit`.
  commands.unref();
  try {
    process.chdir(folder);
    Object.assign(process.env, command.env);
    handle ??= loadHandler();
    process.chdir(folder);
    if (command.load === true) return await answer('"loaded": true');
    const outputs = encodeOutputs(await singleResult(await handle(command.inputs)));
    await answer(`"cwd": ${JSON.stringify(workingDirectory())}, "outputs": ${outputs}`);
  } catch (error) {
    if (error instanceof Refused) return answer(`"refused": ${JSON.stringify(error.reply)}`);
    await fail(error, handle === undefined ? 'last' : 'more');
  }
}

/** Writes what was thrown to the log, and answers with it. */
async function fail(error, then) {
  writeToLog[1](`${traceOf(error)}\n`);
  await answer(`"raised": ${JSON.stringify(describe(error))}`, then);
}

async function answer(members, then = 'more') {
  const call = current;
  if (call === undefined || call.answered) return;
  call.answered = true;
  await Promise.all(writeToLog.map((write) => new Promise((flushed) => write('', () => flushed()))));
  for (const descriptor of logDescriptors) writeAll(descriptor, call.command.marker);
  current = undefined;
  commands.ref();
  const isLast = isBroken || then === 'last';
  writeAll(repliesDescriptor, `{"call": ${call.command.call}, ${members}${isLast ? ', "last": true' : ''}}\n`);
  if (isLast) exit(0);
}

/** An error that nobody has caught fails the call that runs, and ends the process. */
process.on('uncaughtException', (error) => {
  isBroken = true;
  if (current === undefined) {
    writeToLog[1](`${traceOf(error)}\n`);
    writeAll(repliesDescriptor, '{"last": true}\n');
    exit(1);
  }
  void fail(error, 'last');
});

/** Nothing is left that could ever settle the handler's promise. */
process.on('beforeExit', () => {
  void fail(new Error('The handler never ends: its promise is pending and nothing is left to wait for'), 'more');
});

function loadHandler() {
  const exported = createRequire(handlerPath)(handlerPath);
  const found = [exported, exported?.handle, exported?.default].find((candidate) => typeof candidate === 'function');
  if (found === undefined) throw new TypeError('ryax_handler.js exports no function: write module.exports = handle');
  return found;
}

/** The one object of outputs in whatever form it comes: an object, nothing, or a list or generator with one object in it. */
async function singleResult(result) {
  if (result === undefined || result === null) return {};
  if (typeof result !== 'object') throw new Refused(`handle must return an object, found a ${typeof result}`);
  if (!isIterable(result)) return result;
  const results = await firstTwo(result);
  if (results.length !== 1) {
    const found = results.length === 0 ? '[]' : 'several results';
    throw new Refused(`handle returned ${found}: streaming outputs are not supported yet`);
  }
  const [only] = results;
  if (typeof only !== 'object' || only === null || isIterable(only)) {
    throw new Refused(`handle must return an object, found a list of ${kindOf(only)}`);
  }
  return only;
}

function isIterable(value) {
  return Symbol.iterator in value || Symbol.asyncIterator in value;
}

async function firstTwo(iterable) {
  const results = [];
  for await (const item of iterable) {
    results.push(item);
    if (results.length === 2) break;
  }
  return results;
}

function encodeOutputs(outputs) {
  const members = Object.entries(outputs).filter(([, value]) => value !== undefined);
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}: ${encode(name, value)}`).join(', ')}}`;
}

function encode(name, value) {
  let text;
  try {
    text = JSON.stringify(value, (_key, member) => carried(name, member));
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`Output ${name}: ${error.message}`, name);
  }
  if (text === undefined) throw new Refused(`Output ${name}: a ${typeof value} is no JSON value`, name);
  return text;
}

/** JSON would make null of NaN without a word, and cannot carry a bigint. */
function carried(name, member) {
  if (typeof member === 'number' && !Number.isFinite(member)) {
    throw new Refused(`Output ${name} holds NaN or an infinity, which JSON cannot express`, name);
  }
  if (typeof member !== 'bigint') return member;
  if (BigInt(Number(member)) === member) return Number(member);
  throw new Refused(`Output ${name}: ${member} is too large to be kept exactly; return it as a string`, name);
}

function describe(error) {
  if (!isObject(error)) return { kind: 'crash', message: String(error) };
  if (isRyaxException(error)) {
    const { code } = error;
    const message = String(error.message ?? '');
    if (code === undefined || code === null) return { kind: 'user', message };
    return { kind: 'user', message, code: Number.isSafeInteger(code) ? code : String(code) };
  }
  const message = String(error.message ?? error);
  const name = String(error.name ?? error.constructor?.name ?? 'Error');
  const missing =
    error.code === 'MODULE_NOT_FOUND' ? /Cannot find module '([^'./][^']*)'/.exec(message)?.[1] : undefined;
  const described = { kind: 'crash', message: message === '' ? name : `${name}: ${message.split('\n', 1)[0]}` };
  return missing === undefined ? described : { ...described, missing_module: missing };
}

function isRyaxException(error) {
  for (let at = error; at !== null; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, 'constructor') && at.constructor?.name === 'RyaxException') return true;
  }
  return error.name === 'RyaxException';
}

function traceOf(error) {
  if (!isObject(error) || typeof error.stack !== 'string') return `Uncaught ${String(error)}`;
  // From the handler's frames on: ours say nothing to its author.
  const lines = error.stack.split('\n').filter((line) => !line.includes(__filename));
  return isObject(error.cause) ? `${lines.join('\n')}\nCaused by: ${traceOf(error.cause)}` : lines.join('\n');
}

function isObject(value) {
  return typeof value === 'object' && value !== null;
}

function kindOf(value) {
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

function workingDirectory() {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

function readLines(stream, take) {
  let pieces = [];
  stream.on('data', (chunk) => {
    let start = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      take(Buffer.concat(pieces).toString('utf8'));
      pieces = [];
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  });
}

function writeAll(descriptor, text) {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (error.code !== 'EAGAIN') exit(70); // the handler has closed our descriptor: the executor sees us leave
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

/**
 * One handler in each language that does what its input `steps` says, so that specs can ask both for the same:
 *
 * | step                    |                                                        |
 * | ----------------------- | ------------------------------------------------------ |
 * | `['print', text]`       | a line to stdout                                       |
 * | `['complain', text]`    | a line to stderr                                       |
 * | `['shell', command]`    | by a child process, which inherits both                |
 * | `['bytes', base64]`     | to descriptor 1                                        |
 * | `['append', path, text]`| to a file                                              |
 * | `['wait', path]`        | until there is such a file                             |
 * | `['exit', status]`      | of the process, at once                                |
 * | `['deny', message, code]` | a RyaxException                                      |
 * | `['throw', message]`    | another exception                                      |
 * | `['miss']`              | a module that is not there                             |
 * | `['stubborn']`          | SIGTERM is ignored from now on                         |
 * | `['return', outputs]`   | besides `calls`, how often this process was called, and `pid` |
 */
export type Step = readonly [string, ...unknown[]];

export type Runtime = 'python3' | 'nodejs';

export const entryNames: Readonly<Record<Runtime, string>> = {
  python3: 'ryax_handler.py',
  nodejs: 'ryax_handler.js',
};

const python = `
import base64, os, signal, sys, time

class RyaxException(Exception):
    def __init__(self, message, code):
        self.message, self.code = message, code

calls = 0

def wait(path):
    while not os.path.exists(path):
        time.sleep(0.005)

def append(path, text):
    with open(path, "a") as file:
        file.write(text)

def deny(message, code):
    raise RyaxException(message, code)

def fail(message):
    raise ValueError(message)

steps = {
    "print": print,
    "complain": lambda text: print(text, file=sys.stderr),
    "shell": os.system,
    "bytes": lambda text: os.write(1, base64.b64decode(text)),
    "append": append,
    "wait": wait,
    "exit": os._exit,
    "deny": deny,
    "throw": fail,
    "miss": lambda: __import__("not_there"),
    "stubborn": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
}

def handle(inputs):
    global calls
    calls += 1
    for name, *arguments in inputs["steps"]:
        if name == "return":
            outputs = arguments[0]
            return dict(outputs, calls=calls, pid=os.getpid()) if isinstance(outputs, dict) else outputs
        steps[name](*arguments)
    return {"calls": calls, "pid": os.getpid()}

if os.environ.get("LOADED_BY"):
    wait(os.environ["LOADED_BY"])
`;

const nodejs = `
const { spawnSync } = require('node:child_process');
const { appendFileSync, existsSync, writeSync } = require('node:fs');

class RyaxException extends Error {
  constructor(message, code) { super(message); this.code = code; }
}

let calls = 0;
const wait = async (path) => {
  while (!existsSync(path)) await new Promise((go) => setTimeout(go, 5));
};
const steps = {
  print: (text) => console.log(text),
  complain: (text) => console.error(text),
  shell: (command) => spawnSync('sh', ['-c', command], { stdio: 'inherit' }),
  bytes: (text) => writeSync(1, Buffer.from(text, 'base64')),
  append: appendFileSync,
  wait,
  exit: (status) => process.exit(status),
  deny: (message, code) => { throw new RyaxException(message, code); },
  throw: (message) => { throw new TypeError(message); },
  miss: () => require('not_there'),
  stubborn: () => process.on('SIGTERM', () => undefined),
};

module.exports = async (inputs) => {
  calls += 1;
  for (const [name, ...given] of inputs.steps) {
    if (name === 'return') {
      const [outputs] = given;
      return typeof outputs === 'object' && !Array.isArray(outputs) ? { ...outputs, calls, pid: process.pid } : outputs;
    }
    await steps[name](...given);
  }
  return { calls, pid: process.pid };
};

if (process.env.LOADED_BY) {
  while (!existsSync(process.env.LOADED_BY)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
}
`;

/** Its loading waits for a file, too, where the variable LOADED_BY names one. */
export const stepwiseHandlers: Readonly<Record<Runtime, string>> = { python3: python, nodejs };

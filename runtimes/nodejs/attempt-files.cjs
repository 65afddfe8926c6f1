'use strict';

/*
 * Files of one attempt: what a client puts there before it, and what the attempt's outputs name after it.
 *
 *     <root>/<number>/...     what was put, a new folder for each attempt: handlers remember what they have read by its path
 */

const { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { dirname, join, resolve } = require('node:path');
const { Problem } = require('./exchange.cjs');

class AttemptFiles {
  #root;
  #key;
  #folder;
  #folders = 0;
  #partials = 0;

  constructor(root) {
    this.#root = root ?? mkdtempSync(join(tmpdir(), 'ryax-files-'));
  }

  /** From now on the files are the attempt's, and these have to be there. What another one had put is gone. */
  begin(attempt, names = []) {
    const key = keyOf(attempt);
    if (this.#key !== key) this.#remove();
    this.#key = key;
    const missing = names.find((name) => !existsSync(this.place(name)));
    if (missing !== undefined) throw new Problem(400, `Expected the file ${missing}, which was not put`);
  }

  /** What was put for the attempt is not needed any more. Another one's, which may be on its way already, stays. */
  end(attempt) {
    if (this.#key === keyOf(attempt)) this.#remove();
  }

  /** Where a file of this name, which may have folders in it, comes to lie. */
  place(name) {
    const parts = name.split('/');
    if (parts.some((part) => ['', '.', '..'].includes(part) || part.includes('\0'))) {
      throw new Problem(400, `Expected a name such as 1/rows.csv, found ${JSON.stringify(name)}`);
    }
    this.#folder ??= this.#makeFolder(); // not before it is needed: it may be that nothing can be written there
    const path = join(this.#folder, ...parts);
    // The handler of an attempt before may have left a link there.
    if (!isWithin(realPath(path), this.#folder)) throw new Problem(403, `${name} leads out of the attempt's folder`);
    return path;
  }

  /** Where a file grows before it is whole: beside the folder, where no name can be in its way. */
  partial() {
    this.#partials += 1;
    return join(this.#root, `partial-${this.#partials}`);
  }

  /** The path of a file or folder that the attempt's outputs name, or that lies in such a folder. */
  returned(path, { result }) {
    const workingDirectory = result?.cwd ?? '/';
    const whole = resolve(workingDirectory, path);
    const named = strings(result?.outputs ?? {}).map((name) => resolve(workingDirectory, name));
    if (path.includes('\0') || !named.some((each) => isWithin(whole, each))) {
      throw new Problem(403, `${path} is not named by the attempt's outputs`);
    }
    return whole;
  }

  /** Whether something of ours lies there. */
  isKept(path) {
    return isWithin(realPath(this.#root), realPath(path));
  }

  #remove() {
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  #makeFolder() {
    this.#folders += 1;
    const folder = join(this.#root, String(this.#folders));
    rmSync(folder, { recursive: true, force: true }); // of a server before this one
    mkdirSync(folder, { recursive: true });
    return realpathSync(folder);
  }
}

function keyOf({ run_id: runId, execution, attempt }) {
  return JSON.stringify([runId, execution, attempt]);
}

/** Everything below a folder, links followed, sorted by path: kind, size and whether it can be executed. */
function entriesOf(folder, below = '', above = []) {
  const here = realpathSync(join(folder, below));
  if (above.includes(here)) throw new Problem(422, `${below || '.'} holds itself`);
  const found = readdirSync(here).flatMap((name) => {
    const path = below === '' ? name : `${below}/${name}`;
    const status = statSync(join(folder, path));
    if (status.isDirectory()) return [{ path, kind: 'directory' }, ...entriesOf(folder, path, [...above, here])];
    if (!status.isFile()) throw new Problem(422, `${path} is neither a file nor a directory`);
    return [{ path, kind: 'file', size: status.size, executable: (status.mode & 0o111) !== 0 }];
  });
  return below === '' ? found.sort((one, other) => (one.path < other.path ? -1 : 1)) : found;
}

/** Every text in a JSON value. */
function strings(value) {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(strings) : [];
}

/** The path without links, also of what does not exist yet. */
function realPath(path) {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return folder === path ? path : join(realPath(folder), path.slice(folder.length));
}

function isWithin(path, folder) {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

module.exports = { AttemptFiles, entriesOf };

'use strict';

/*
 * The entrypoint of an action's image: runs the handler of one Ryax action for whoever has the token, over HTTP.
 *
 *     RYAX_TOKEN=... node server.cjs
 *
 * The protocol, the same for every language, is in docs/action-images.md. No dependencies, Node >= 20.
 */

const { createHash, timingSafeEqual } = require('node:crypto');
const { once } = require('node:events');
const { createReadStream, mkdirSync, renameSync, rmSync, statSync } = require('node:fs');
const { open } = require('node:fs/promises');
const { createServer } = require('node:http');
const { dirname } = require('node:path');
const { pipeline } = require('node:stream/promises');
const { AttemptFiles, entriesOf } = require('./attempt-files.cjs');
const { ClientGone, Problem, answer, contentLength, isObject, jsonBody } = require('./exchange.cjs');
const { Executions } = require('./executions.cjs');
const { SettingsError, readSettings } = require('./settings.cjs');

/** From SIGTERM on: whoever stops us waits for our end. */
const stopMs = 2_000;
/** A client that takes nothing for so long is gone. */
const socketMs = 60_000;

const settings = settingsOrExit();
const tokenDigest = digest(Buffer.from(settings.token));
const files = new AttemptFiles(settings.filesDirectory);
const executions = new Executions(settings, files);
const routes = new Map([
  ['/ready', { method: 'GET', serve: ready }],
  ['/invoke', { method: 'POST', serve: invoke }],
  ['/cancel', { method: 'POST', serve: cancel }],
  ['/claim', { method: 'POST', serve: claim }],
  ['/execution', { method: 'GET', serve: tellExecution }],
  ['/settle', { method: 'POST', serve: settle }],
  ['/files', { method: 'GET', serve: getFile }],
]);
const paths = '/ready, /invoke, /cancel, /claim, /execution, /settle or /files';
/** Longer than this no timer can count: it would end at once, again and again. */
const longestWaitMs = 2 ** 31 - 1;
/** A path that cannot be looked at, whenever and by whomever it is tried. */
const unreadable = ['EACCES', 'EPERM', 'ELOOP', 'ENAMETOOLONG', 'ENOTDIR', 'EINVAL'];
/** When somebody with the token has last asked for something. */
let askedAt = performance.now();

const server = createServer({ requestTimeout: 0, keepAliveTimeout: socketMs }, (request, response) => {
  response.on('error', () => undefined); // the client has gone, which concerns no execution
  serve(request, response).catch(() => response.destroy());
});
server.setTimeout(Math.max(socketMs, 2 * settings.beatMs));
server.on('clientError', (_error, socket) => {
  const body = '{"error":"Bad request"}\n';
  const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
});

async function serve(request, response) {
  try {
    const [path, query] = splitUrl(request.url);
    const route = path.startsWith('/files/') ? { method: 'PUT', serve: putFile } : routes.get(path);
    if (route === undefined) throw new Problem(404, `Expected ${paths}, found another path`);
    if (request.method !== route.method) throw new Problem(405, `Expected ${route.method}`);
    if (path !== '/ready') checkToken(request);
    await route.serve(request, response, { path, query });
  } catch (error) {
    if (error instanceof ClientGone || response.headersSent) throw error;
    const problem = error instanceof Problem ? error : new Problem(500, `The server failed: ${error.message}`);
    await answer(request, response, problem.status, problem.body);
  }
}

function splitUrl(url) {
  const [path, query = ''] = url.split(/\?(.*)/s, 2);
  return [path, new URLSearchParams(query)];
}

function checkToken(request) {
  const [, token = ''] = /^bearer +(.*)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (!timingSafeEqual(digest(Buffer.from(token.trim(), 'latin1')), tokenDigest)) {
    throw new Problem(401, 'Expected the token as authorization: Bearer');
  }
  askedAt = performance.now();
}

async function ready(request, response) {
  const { status, failure: { message, ...why } = {} } = executions.state;
  if (status === 'ready') return answer(request, response, 200, { status });
  return answer(request, response, 503, { status, error: message ?? 'The handler is being loaded', ...why });
}

async function invoke(request, response) {
  const body = await jsonBody(request, settings.mostBodyBytes);
  const attempt = attemptOf(body.attempt);
  const { inputs = {}, files: names = [] } = body;
  const origin = body.origin ?? undefined;
  const owner = ownerIn(body);
  const offset = body.log_offset ?? undefined;
  if (!isObject(inputs)) throw new Problem(400, 'Expected an object in inputs');
  if (origin !== undefined && !isObject(origin)) throw new Problem(400, 'Expected an object in origin');
  if (offset !== undefined && !isCount(offset)) throw new Problem(400, 'Expected a whole number in log_offset');
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new Problem(400, 'Expected a list of names in files');
  }
  const begin = { names, origin, owner, isBegun: offset !== undefined };
  const execution = executions.invoke(attempt, encode(inputs), begin);
  const { length } = execution.log;
  if (length < (offset ?? 0)) throw new Problem(400, `Expected a log_offset of at most ${length}`);
  await stream(response, execution, offset ?? 0);
}

async function stream(response, execution, from) {
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders(); // whoever has them knows that the attempt has begun
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const send = async (message) => {
    if (response.write(`${JSON.stringify(message)}\n`) || gone.signal.aborted) return;
    await once(response, 'drain', { signal: gone.signal }).catch(() => undefined);
  };
  let offset = from;
  while (!gone.signal.aborted) {
    const { text, end, result } = await execution.after(offset, settings.beatMs);
    offset = end;
    if (text !== '') await send({ log: text, offset });
    else if (result === undefined) await send({ beat: true });
    if (result === undefined) continue;
    response.end(`${JSON.stringify(result)}\n`);
    return;
  }
}

async function cancel(request, response) {
  const body = await jsonBody(request, settings.mostBodyBytes);
  const isCancelling = executions.cancel(attemptOf(body.attempt));
  const status = isCancelling ? 'cancelling' : 'ended';
  await answer(request, response, isCancelling ? 202 : 200, { status });
}

async function claim(request, response) {
  const owner = ownerIn(await jsonBody(request, settings.mostBodyBytes));
  if (owner === undefined) throw new Problem(400, 'Expected a text in owner');
  executions.claim(owner);
  await tellExecution(request, response);
}

async function tellExecution(request, response) {
  await answer(request, response, 200, { status: executions.state.status, execution: executions.told });
}

async function settle(request, response) {
  const body = await jsonBody(request, settings.mostBodyBytes);
  executions.settle(attemptOf(body.attempt));
  await answer(request, response, 200, { status: executions.state.status });
}

async function putFile(request, response, { path: url, query }) {
  const attempt = attemptOfQuery(query);
  contentLength(request);
  const name = decoded(url.slice('/files/'.length));
  executions.prepare(attempt);
  const path = files.place(name.endsWith('/') ? name.slice(0, -1) : name);
  if (name.endsWith('/')) {
    mkdirSync(path, { recursive: true });
  } else {
    mkdirSync(dirname(path), { recursive: true });
    await receive(request, path, query.get('executable') === 'true');
  }
  await answer(request, response, 201, { path });
}

async function receive(request, path, isExecutable) {
  const partial = files.partial();
  try {
    const file = await open(partial, 'w');
    try {
      // A failure to write leaves the request as it is, so that it can be answered.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) await file.writeFile(chunk);
      await file.chmod(isExecutable ? 0o755 : 0o644);
    } finally {
      await file.close();
    }
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw request.complete || !request.destroyed ? error : new ClientGone();
  }
}

async function getFile(request, response, { query }) {
  const execution = executions.kept(attemptOfQuery(query));
  const returned = query.get('path') ?? '';
  const path = files.returned(returned, execution);
  try {
    const status = statSync(path);
    if (status.isDirectory())
      return await answer(request, response, 200, { kind: 'directory', entries: entriesOf(path) });
    if (!status.isFile()) throw new Problem(422, `${returned} is neither a file nor a directory`);
    await sendFile(response, path, status.size);
  } catch (error) {
    if (error.code === 'ENOENT') throw new Problem(404, `${returned} does not exist`);
    if (unreadable.includes(error.code)) throw new Problem(422, `${returned} cannot be read`);
    throw error;
  }
}

async function sendFile(response, path, size) {
  // No more than was announced, should it grow meanwhile.
  const file = createReadStream(path, { end: Math.max(0, size - 1) });
  await once(file, 'open');
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size });
  try {
    await pipeline(file, response);
  } catch {
    throw new ClientGone();
  }
}

function attemptOfQuery(query) {
  const number = query.get('attempt') ?? '';
  const attempt = /^\d{1,15}$/.test(number) ? Number(number) : undefined;
  return attemptOf({ run_id: query.get('run_id'), execution: query.get('execution'), attempt });
}

function attemptOf(value) {
  const { run_id, execution, attempt } = isObject(value) ? value : {};
  const isNamed = [run_id, execution].every((text) => typeof text === 'string' && text !== '' && !text.includes('\0'));
  if (isNamed && isCount(attempt) && attempt > 0) return { run_id, execution, attempt };
  throw new Problem(400, 'Expected an attempt with run_id, execution and attempt, a number from 1');
}

function ownerIn({ owner }) {
  if (owner === undefined || (typeof owner === 'string' && owner !== '')) return owner;
  throw new Problem(400, 'Expected a text in owner');
}

function isCount(value) {
  return Number.isSafeInteger(value) && value >= 0;
}

function encode(inputs) {
  try {
    return JSON.stringify(inputs);
  } catch {
    throw new Problem(400, 'Expected JSON, found something that is nested too deeply');
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Problem(400, 'Expected a name in UTF-8');
  }
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest();
}

function settingsOrExit() {
  try {
    return readSettings(process.env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(`The server cannot start: ${error.message}`);
    process.exit(1);
  }
}

async function stop() {
  server.close();
  await executions.stop(stopMs);
  process.exit(0);
}

/** Nobody has work for it any more, and nobody is there to end it. */
function endWhenIdle() {
  const idleMs = performance.now() - askedAt;
  const leftMs = executions.isNeeded ? settings.idleMs : settings.idleMs - idleMs;
  if (leftMs <= 0) void stop();
  else setTimeout(endWhenIdle, Math.min(leftMs, longestWaitMs)).unref();
}

for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => void stop());
server.on('error', (error) => {
  console.error(`The server cannot start: ${error.message}`);
  process.exit(1);
});
server.listen(settings.port, settings.host, () => {
  const { address: host, port } = server.address();
  console.log(JSON.stringify({ level: 'info', message: 'Listening', host, port }));
});
void executions.load();
if (settings.idleMs > 0) endWhenIdle();

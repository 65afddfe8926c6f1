'use strict';

/* Requests and answers as they are on the line: bodies with a length, answers in JSON. */

/** A refused body is read up to here, so that its sender gets to see the answer. */
const mostDiscardedBytes = 4 * 1024 * 1024;

/** What a request is answered that cannot be served. */
class Problem extends Error {
  constructor(status, message, members = {}) {
    super(message);
    this.status = status;
    this.body = { ...members, error: message };
  }
}

/** The client has gone, which concerns no execution. */
class ClientGone extends Error {}

/** The length of the body; it has to be told. */
function contentLength(request) {
  const text = request.headers['content-length'];
  if (text === undefined || request.headers['transfer-encoding'] !== undefined) {
    throw new Problem(411, 'Expected a content-length');
  }
  return Number(text); // Node refuses what is no number
}

async function jsonBody(request, mostBytes) {
  const length = contentLength(request);
  if (length > mostBytes) throw new Problem(413, `Expected a body of at most ${mostBytes} bytes, found ${length}`);
  let body;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await readAll(request)));
  } catch (error) {
    if (error instanceof ClientGone) throw error;
    throw new Problem(400, `Expected JSON, found something else: ${error.message}`);
  }
  if (!isObject(body)) throw new Problem(400, 'Expected a JSON object');
  return body;
}

async function readAll(request) {
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    throw new ClientGone();
  }
  return Buffer.concat(chunks);
}

async function answer(request, response, status, body) {
  if (!(await discard(request))) response.setHeader('connection', 'close');
  const data = Buffer.from(`${JSON.stringify(body)}\n`);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': data.length });
  response.end(request.method === 'HEAD' ? undefined : data);
}

/** Reads what is left of the body; false when that is too much. */
async function discard(request) {
  if (request.readableEnded || request.destroyed) return true;
  let discarded = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      discarded += chunk.length;
      if (discarded > mostDiscardedBytes) return false;
    }
  } catch {
    // The client has gone: nobody sees the answer.
  }
  return true;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

module.exports = { ClientGone, Problem, answer, contentLength, isObject, jsonBody };

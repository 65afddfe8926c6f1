'use strict';

const { resolve } = require('node:path');

const mebibyte = 1024 * 1024;

class SettingsError extends Error {}

/** What the environment says to an action image's server; docs/action-images.md lists it. */
function readSettings(env) {
  if ((env.RYAX_TOKEN ?? '') === '') {
    throw new SettingsError('Expected a token in RYAX_TOKEN, found none: without one anybody could run the action');
  }
  return {
    host: env.RYAX_HOST || '0.0.0.0',
    port: number(env, 'RYAX_PORT', 8080, 65_535),
    token: env.RYAX_TOKEN,
    actionDirectory: resolve(env.RYAX_ACTION_DIR || '/ryax/action'),
    filesDirectory: env.RYAX_FILES_DIR || undefined,
    temporaryDirectory: env.RYAX_TMP_DIR || undefined,
    mostBodyBytes: number(env, 'RYAX_MAX_BODY_BYTES', 64 * mebibyte),
    mostLogBytes: number(env, 'RYAX_MAX_LOG_BYTES', 16 * mebibyte),
    beatMs: 1_000 * number(env, 'RYAX_BEAT_SECONDS', 10),
    graceMs: 1_000 * number(env, 'RYAX_GRACE_SECONDS', 5),
    /** 0: it waits for ever. */
    idleMs: 1_000 * number(env, 'RYAX_IDLE_SECONDS', 0),
    environment: actionEnvironment(env),
  };
}

function number(env, name, fallback, most = Number.MAX_SAFE_INTEGER) {
  const value = Number(env[name] || fallback);
  if (value >= 0 && value <= most) return value;
  throw new SettingsError(`Expected a number in ${name}, found "${env[name]}"`);
}

/** The image's and the pod's, without what is ours: the token above all. */
function actionEnvironment(env) {
  const passed = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('RYAX_')));
  const user = passed.USER || 'ryax'; // also for a user without an entry in the password file
  return { LANG: 'C.UTF-8', HOME: '/tmp', USER: user, LOGNAME: user, ...passed };
}

module.exports = { SettingsError, readSettings };

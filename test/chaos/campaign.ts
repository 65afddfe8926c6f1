import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { categories, judge, type LoggedEvent, type Violation } from './checks';
import { Cluster, partitions } from './cluster';
import {
  allEnded,
  allFollowed,
  explainStuck,
  openRuns,
  readJournal,
  readLog,
  readModels,
  rebuiltModels,
} from './evidence';
import { inject } from './faults';
import { Load } from './load';
import { commandOf, parseOptions, type CampaignOptions } from './options';
import { Random } from './random';
import { askingRest, Reader } from './reader';
import { renderReport, shortfalls } from './report';
import { schedule, spare } from './schedule';
import type { Scripts } from './scripts';
import { Storm } from './storm';
import { Subscriber } from './subscriber';
import { takeovers } from './takeovers';

/** Of each category. */
/** More than a restart of a server takes, and the patience of what waits for it. */
const faultPatienceMs = 180_000;
const mostShown = 20;
const interruptedStatus = 130;

/** Runs one campaign, prints what came of it, and answers the exit status. */
export async function campaign(args: readonly string[], scripts: Scripts): Promise<number> {
  const options = parseOptions(args);
  await scripts.buildIfStale();
  const interrupted = new AbortController();
  const began = performance.now();
  const say = (line: string) => console.log(`${seconds(began).padStart(7)} s  ${line}`);
  say(`${commandOf(options)}: starting RabbitMQ, PostgreSQL and the services`);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort());
  const cluster = await Cluster.start(scripts, options.without);
  let isSound = false;
  try {
    const { violations, shortfalls } = await storm(cluster, scripts, options, interrupted.signal, say);
    isSound = violations.length === 0 && shortfalls.length === 0;
    for (const shortfall of shortfalls) console.error(`campaign: ${shortfall}`);
    if (!isSound) explain(violations, cluster, options);
    console.log(`${seconds(began)} s in all`);
    return isSound ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return interruptedStatus;
    throw error;
  } finally {
    await cluster.stop({ keepFolder: !isSound && !interrupted.signal.aborted });
  }
}

/** What speaks against the engine, and what against the campaign itself. */
interface Findings {
  readonly violations: readonly Violation[];
  readonly shortfalls: readonly string[];
}

async function storm(
  cluster: Cluster,
  scripts: Scripts,
  options: CampaignOptions,
  interrupted: AbortSignal,
  say: (line: string) => void,
): Promise<Findings> {
  const random = new Random(options.seed);
  const planned = schedule(random, options.faults, options.only);
  const load = new Load(cluster, new Random(options.seed + 1), `seed-${options.seed}`);
  const subscriber = await Subscriber.start(cluster.broker.url);
  try {
    await publishAction(cluster, scripts);
    await load.deploy();
    say('ready; the load begins');
    const calm = new AbortController();
    const loading = load.run(AbortSignal.any([calm.signal, interrupted]));
    const ended = new AbortController();
    const reader = new Reader(askingRest(cluster));
    const reading = reader.run(AbortSignal.any([ended.signal, interrupted]));
    const spares = new Random(options.seed + 2);
    let rebuilding: Promise<void> | undefined;
    const faults = new Storm({
      inject: (fault) => {
        if (faults.begun >= options.faults / 2) rebuilding ??= reader.rebuild(interrupted);
        return inject(cluster, fault);
      },
      spare: (without) => spare(spares, without, options.only),
      say,
      patienceMs: faultPatienceMs,
    });
    await faults.run(planned, interrupted).finally(() => calm.abort());
    say('no more faults; waiting for what was accepted to end');
    await loading;
    const hasEnded = await allEnded(cluster.database, options.patienceMs);
    await rebuilding;
    ended.abort();
    await reading;
    const reasons = hasEnded ? new Map<string, string>() : await whatStuckRunsWaitFor(cluster);
    say('comparing what happened with what was promised');
    await allFollowed(cluster.database, subscriber);
    const events = await readLog(cluster.database);
    const found = [...load.violations, ...reader.violations, ...(await examine(cluster, events, load, subscriber))];
    const violations = found.map((each) => explained(each, reasons));
    const { tried } = faults;
    const outcome = {
      ...{ tried, violations, accepted: load.accepted.length, waits: load.waits },
      looks: reader.looks,
      takeovers: takeovers(cluster.deaths, tried, events, partitions),
      ownEnds: cluster.all.flatMap((replica) => replica.ownEnds).length,
    };
    console.log(`\n${renderReport(outcome)}\n`);
    return { violations, shortfalls: shortfalls(tried, options.faults) };
  } finally {
    await subscriber.stop();
  }
}

async function examine(
  cluster: Cluster,
  events: readonly LoggedEvent[],
  load: Load,
  subscriber: Subscriber,
): Promise<Violation[]> {
  const { database } = cluster;
  const live = await readModels(database);
  return judge({
    runs: load.accepted,
    events,
    journal: readJournal(cluster.journalFile),
    heard: subscriber.heard,
    runRows: await database.query(`SELECT run_id AS "runId", state FROM read_models.runs`),
    live,
    rebuilt: await rebuiltModels(cluster),
  });
}

/** By run: which of its executions waits for what. */
async function whatStuckRunsWaitFor(cluster: Cluster): Promise<Map<string, string>> {
  const reasons = new Map<string, string>();
  for (const runId of (await openRuns(cluster.database)).slice(0, mostShown)) {
    const ofRun = await explainStuck(cluster, runId).catch((error: unknown) => [String(error)]);
    reasons.set(runId, ofRun.join('; '));
  }
  return reasons;
}

function explained(violation: Violation, reasons: ReadonlyMap<string, string>): Violation {
  const [, reason] = [...reasons].find(([runId]) => violation.subject.endsWith(runId)) ?? [];
  if (violation.category !== 'stuck' || reason === undefined) return violation;
  return { ...violation, what: `${violation.what}; ${reason}` };
}

async function publishAction({ url, bearer }: Cluster, { inRoot }: Scripts): Promise<void> {
  const cli = inRoot('dist', 'apps', 'cli', 'src', 'main.js');
  const folder = inRoot('test', 'chaos', 'actions', 'work');
  await promisify(execFile)(process.execPath, [cli, '--url', url, '--token', bearer, 'actions', 'publish', folder]);
}

function explain(violations: readonly Violation[], { all, directory }: Cluster, options: CampaignOptions): void {
  for (const category of categories) {
    const found = violations.filter((each) => each.category === category);
    for (const { subject, what } of found.slice(0, mostShown)) console.error(`${category}: ${subject}: ${what}`);
    if (found.length > mostShown) console.error(`${category}: … and ${found.length - mostShown} more`);
  }
  for (const { member, ownEnds } of all) {
    for (const words of ownEnds) console.error(`${member.label} ended by itself with ${words}`);
  }
  console.error(`\nWhat the services wrote, and the journal, are in ${directory}\nAgain: ${commandOf(options)}`);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1);
}

import { parseArgs } from 'node:util';
import { checkRuns } from '../checks';
import { chain } from '../definitions';
import { EngineUnderTest } from '../engine';
import { Meter, type MeteredUsage } from '../process-usage';
import { RestClient } from '../rest-client';
import { Running } from '../running';
import type { Scripts } from '../scripts';
import { allEnded } from '../workload';
import { Submissions } from './submissions';

/** What each service may take, whatever it is sent. */
const peakMib = 512;
const services = ['studio-intake', 'runner', 'executor', 'state-store'];

/**
 * Sends many submissions at once, some one by one and some in batches, and again whatever is told to come later, until each has
 * been accepted. Then every accepted run must end as its definition says, no run must exist beside them, and no service may have
 * grown beyond its bound. Answers the exit status.
 */
export async function burst(args: readonly string[], scripts: Scripts): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      submissions: { type: 'string', default: '50000' },
      /** Requests under way at once: each of one run, or of a batch of them. */
      clients: { type: 'string', default: '200' },
      /** `startsInFlight` of the intake; its own default when left out. */
      'starts-in-flight': { type: 'string' },
    },
  });
  const [count, clients] = [wholeNumber(values.submissions), wholeNumber(values.clients)];
  const inFlight = values['starts-in-flight'];
  const options = inFlight === undefined ? {} : { startsInFlight: wholeNumber(inFlight) };
  await scripts.buildIfStale();
  const running = new Running();
  const leaveSignals = running.stopOnSignals();
  const engine = await running.hold(EngineUnderTest.start(scripts, 'distributed', options));
  try {
    const faults = await measure(engine, count, clients);
    for (const fault of faults) console.error(fault);
    return faults.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(engine.lastWords);
    throw error;
  } finally {
    await engine.stop();
    leaveSignals();
  }
}

async function measure(engine: EngineUnderTest, count: number, clients: number): Promise<string[]> {
  const graph = chain('burst', 1, 'noop');
  await engine.client.deploy(graph.definition);
  const meter = new Meter(engine.groups);
  let usages: ReadonlyMap<string, MeteredUsage>;
  const began = performance.now();
  const client = new RestClient(engine.client.url, engine.client.token, clients);
  const submissions = new Submissions(client, graph.id, count);
  let runIds: readonly string[];
  let acceptedMs: number;
  try {
    runIds = await submissions.sendAll(clients);
    acceptedMs = performance.now() - began;
    await allEnded(engine);
  } finally {
    usages = meter.stop();
    client.close();
  }
  const endedMs = performance.now() - began;
  await checkRuns(engine.log, graph, runIds);
  const started = await engine.log.countSince(0, 'RunStarted');

  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  console.log(
    `${count} submissions by ${clients} clients: all accepted after ${seconds(acceptedMs)} s, ended after ${seconds(endedMs)} s`,
  );
  console.log(
    `told to come later: ${submissions.refused} (429), without an answer in time: ${submissions.unanswered} (503)`,
  );
  console.log(`accepted ${runIds.length}, begun ${started}, succeeded ${runIds.length}, lost 0\n`);
  console.log(table(usages));
  const tooLarge = [...usages].filter(([name, usage]) => isBounded(name) && usage.peakRssMib >= peakMib);
  return [
    ...tooLarge.map(([name]) => `Expected ${name} to stay below ${peakMib} MiB`),
    ...(started === count ? [] : [`Expected ${count} runs to be begun, found ${started}`]),
  ];
}

function table(usages: ReadonlyMap<string, MeteredUsage>): string {
  const rows = [...usages].map(([name, { peakRssMib, cpuSeconds }]) => {
    const bound = isBounded(name) ? `${peakRssMib < peakMib ? 'below' : 'ABOVE'} ${peakMib} MiB` : '';
    return `${name.padEnd(16)}${peakRssMib.toFixed(0).padStart(10)}${cpuSeconds.toFixed(1).padStart(10)}   ${bound}`;
  });
  return [`${'service'.padEnd(16)}${'peak MiB'.padStart(10)}${'CPU s'.padStart(10)}`, ...rows].join('\n');
}

/** A replica is called by its service and a number. */
function isBounded(name: string): boolean {
  return services.includes(name.replace(/-\d+$/, ''));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new Error(`Expected a whole number above 0, found ${text}`);
  return Number(text);
}

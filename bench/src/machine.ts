import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem, type as osType } from 'node:os';

export interface Machine {
  readonly text: string;
}

/** What figures mean nothing without. */
export function describeMachine(): Machine {
  const memory = `${Math.round(totalmem() / 1024 ** 3)} GiB`;
  const processor = cpus()[0]?.model ?? 'unknown processor';
  const lines = [
    `${availableParallelism()} cores (${processor}, ${arch()}), ${memory}, ${distribution()}, ${osType()} ${release()}`,
    `Node ${process.version}, ${new Date().toISOString().slice(0, 10)}, load ${loadavg()[0]?.toFixed(2)}`,
  ];
  return { text: lines.join('\n') };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'unknown distribution';
  } catch {
    return 'unknown distribution';
  }
}

import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@ryax/platform';
import { createVirtualHost, queryDatabase, type VirtualHost } from '@ryax/testing';
import type { RunningRabbitMq, Scripts } from './scripts';

/** A RabbitMQ that can be ended and comes back on the same ports with the same data. */
export class BrokerServer {
  private constructor(
    private readonly scripts: Scripts,
    private readonly directory: string,
    private running: RunningRabbitMq,
    readonly host: VirtualHost,
  ) {}

  static async start(scripts: Scripts, directory: string): Promise<BrokerServer> {
    const running = await launch(scripts, directory);
    try {
      const host = await createVirtualHost(running.url, running.managementUrl, 'chaos');
      return new BrokerServer(scripts, directory, running, host);
    } catch (error) {
      await running.stop('SIGKILL');
      throw error;
    }
  }

  get url(): string {
    return this.host.url;
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.running.stop(signal);
    this.running = await launch(this.scripts, this.directory, this.running.ports);
  }

  async stop(): Promise<void> {
    await this.running.stop('SIGKILL');
  }
}

async function launch(
  { ensureRabbitMq, startRabbitMq }: Scripts,
  directory: string,
  ports?: readonly number[],
): Promise<RunningRabbitMq> {
  const where = { server: await ensureRabbitMq(), directory: join(directory, 'rabbitmq'), name: 'ryax-chaos' };
  return startRabbitMq({ ...where, ...(ports && { ports }) });
}

/** A PostgreSQL that can be ended as by `pg_ctl stop -m immediate` and comes back on the same port. */
export class DatabaseServer {
  private constructor(
    private readonly directory: string,
    private running: EmbeddedPostgres,
  ) {}

  static async start(directory: string): Promise<DatabaseServer> {
    return new DatabaseServer(directory, await startPostgres(directory));
  }

  get url(): string {
    return this.running.url;
  }

  /** `-m immediate` is SIGQUIT: every session is dropped, nothing is written, and the next start recovers from the WAL. */
  async restartImmediately(): Promise<void> {
    const { pid, ended, port } = this.running;
    process.kill(pid, 'SIGQUIT');
    await ended;
    this.running = await startPostgres(this.directory, port);
  }

  query<Row extends object>(sql: string, values?: readonly unknown[]): Promise<Row[]> {
    return queryDatabase<Row>(this.url, sql, values);
  }

  async stop(): Promise<void> {
    await this.running.stop();
  }
}

function startPostgres(directory: string, port = 0): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    port,
    settings: { max_connections: '200' },
  });
}

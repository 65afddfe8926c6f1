import { connect } from 'amqplib';
import type { LogView } from './log-view';

/** Without these, an acknowledged step could be lost with the machine. */
const durable = ['fsync', 'synchronous_commit', 'full_page_writes'] as const;

/**
 * The servers as they say themselves that they are.
 *
 * @throws when PostgreSQL would lose what it has acknowledged: figures of such an engine are not ours to print
 */
export async function describeServers(log: LogView, brokerUrl: string | undefined): Promise<string> {
  const off: string[] = [];
  for (const setting of durable) if ((await log.setting(setting)) !== 'on') off.push(setting);
  if (off.length > 0) throw new Error(`Expected PostgreSQL with ${durable.join(', ')} on, found ${off.join(', ')} off`);
  const postgres = `PostgreSQL ${await log.setting('server_version')} with ${durable.join(', ')} on`;
  return brokerUrl === undefined ? postgres : `${postgres}, RabbitMQ ${await brokerVersion(brokerUrl)}`;
}

async function brokerVersion(url: string): Promise<string> {
  const connection = await connect(url);
  try {
    const { version } = connection.connection.serverProperties;
    return version;
  } finally {
    await connection.close();
  }
}

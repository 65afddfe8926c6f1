import { AmqpBroker } from '@ryax/broker';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import { exitWith, loadConfig, Log } from '@ryax/platform';
import { join } from 'node:path';
import { intakeConfigSchema, intakeLimits } from './intake.config';
import { startIntake } from './start-intake';

async function main(): Promise<void> {
  const config = loadConfig(intakeConfigSchema);
  const log = new Log({ service: 'studio-intake', level: config.RYAX_LOG_LEVEL });
  const broker = new AmqpBroker({ url: config.RYAX_BROKER, name: 'ryax-studio-intake', log });
  const directory = join(config.RYAX_DATA_DIR, 'files');
  const files = await LocalFileStore.open(directory);
  const secrets = await openSecrets(files, { directory, encryptionKey: config.RYAX_ENCRYPTION_KEY });
  const jwtSecretKey = config.RYAX_JWT_SECRET_KEY;
  await startIntake({
    ...{ broker, files, secrets, log, jwtSecretKey, limits: intakeLimits(config) },
    port: config.RYAX_HTTP_PORT,
    host: '0.0.0.0',
  });
}

main().catch(exitWith);

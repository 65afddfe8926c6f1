import { AmqpBroker } from '@ryax/broker';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import { Clock, Health, loadConfig, Log, Metrics, runService } from '@ryax/platform';
import { join } from 'node:path';
import { chooseDriver, openPools } from './driver';
import { executorConfigSchema } from './executor.config';
import { ExecutorModule } from './executor.module';

void runService('executor', async () => {
  const config = loadConfig(executorConfigSchema);
  const driver = await chooseDriver(config, new Clock());
  const log = new Log({ service: 'executor', level: config.RYAX_LOG_LEVEL });
  const directory = join(config.RYAX_DATA_DIR, 'files');
  const files = await LocalFileStore.open(directory);
  const secrets = await openSecrets(files, { directory, encryptionKey: config.RYAX_ENCRYPTION_KEY });
  const parts = { files, secrets, log, directory: join(config.RYAX_DATA_DIR, 'executor') };
  const broker = new AmqpBroker({ url: config.RYAX_BROKER, name: 'ryax-executor', log });
  return {
    log,
    healthPort: config.RYAX_HEALTH_PORT,
    module: ExecutorModule.forRootAsync({
      inject: [Metrics, Health],
      useFactory: async (metrics: Metrics, health: Health) => ({
        broker,
        pools: await openPools(driver, { ...parts, metrics, health }),
      }),
    }),
    close: () => broker.close(),
  };
});

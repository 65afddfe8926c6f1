import { AmqpBroker } from '@ryax/broker';
import { LocalFileStore } from '@ryax/filestore';
import { loadConfig, Log, runService } from '@ryax/platform';
import { join } from 'node:path';
import { runnerConfigSchema, runnerOptions } from './runner.config';
import { RunnerModule } from './runner.module';

void runService('runner', async () => {
  const config = loadConfig(runnerConfigSchema);
  const log = new Log({ service: 'runner', level: config.RYAX_LOG_LEVEL });
  const broker = new AmqpBroker({ url: config.RYAX_BROKER, name: 'ryax-runner', log });
  const files = await LocalFileStore.open(join(config.RYAX_DATA_DIR, 'files'));
  return {
    log,
    healthPort: config.RYAX_HEALTH_PORT,
    module: RunnerModule.forRoot({
      broker,
      files,
      datastoreUrl: config.RYAX_DATASTORE,
      options: runnerOptions(config),
    }),
    close: () => broker.close(),
  };
});

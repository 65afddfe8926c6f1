import { AmqpBroker } from '@ryax/broker';
import { LocalFileStore, openSecrets } from '@ryax/filestore';
import { Clock, inheritedEnvironment, loadConfig, Log, runService } from '@ryax/platform';
import { join } from 'node:path';
import { executorConfigSchema, executorSettings, mostIdleWorkers } from './executor.config';
import { ExecutorModule } from './executor.module';
import { ProcessLauncher } from './process';

void runService('executor', async () => {
  const config = loadConfig(executorConfigSchema);
  const log = new Log({ service: 'executor', level: config.RYAX_LOG_LEVEL });
  const directory = join(config.RYAX_DATA_DIR, 'files');
  const files = await LocalFileStore.open(directory);
  const secrets = await openSecrets(files, { directory, encryptionKey: config.RYAX_ENCRYPTION_KEY });
  const launcher = await ProcessLauncher.open({
    files,
    secrets,
    directory: join(config.RYAX_DATA_DIR, 'executor'),
    log,
    clock: new Clock(),
    env: inheritedEnvironment(),
    idleMs: config.RYAX_UNDEPLOY_IDLE_ACTIONS_AFTER_SECONDS * 1000,
    mostIdle: mostIdleWorkers(config),
    inlineValueBytes: config.RYAX_LIMIT_INLINE_VALUE_BYTES,
  });
  const broker = new AmqpBroker({ url: config.RYAX_BROKER, name: 'ryax-executor', log });
  return {
    log,
    healthPort: config.RYAX_HEALTH_PORT,
    module: ExecutorModule.forRoot({ broker, launcher, settings: executorSettings(config) }),
    close: () => broker.close(),
  };
});

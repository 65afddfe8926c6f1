import { Inject, Module, type DynamicModule, type OnApplicationBootstrap } from '@nestjs/common';
import type { Broker } from '@ryax/broker';
import type { FileStore, Secrets } from '@ryax/filestore';
import { Health, OperationsController } from '@ryax/platform';
import { ActionsController } from './actions/actions.controller';
import { StoredActions } from './actions/stored-actions';
import { CommandIntake } from './amqp/command-intake';
import { AuthGuard } from './auth.guard';
import { FilesController } from './files/files.controller';
import type { IntakeOptions } from './intake.config';
import { Admission } from './load/admission';
import { OpenRuns } from './load/open-runs';
import { AdminController } from './operating/admin.controller';
import { DeadLettersController } from './operating/dead-letters.controller';
import { RunnerClient } from './runner.client';
import { Estimates } from './runs/estimates';
import { LiveController } from './runs/live.controller';
import { RunBatchesController } from './runs/run-batches.controller';
import { RunBatches } from './runs/run-batches.service';
import { RunsController } from './runs/runs.controller';
import { Runs } from './runs/runs.service';
import { StateStoreClient } from './state-store.client';
import { BROKER, FILE_STORE, INTAKE_OPTIONS, SECRETS } from './tokens';
import { CurrentWorkflows } from './workflows/current-workflows';
import { Definitions } from './workflows/definitions';
import { WorkflowsController } from './workflows/workflows.controller';
import { Workflows } from './workflows/workflows.service';

export interface IntakeModuleOptions {
  /** Connected by its owner, and closed by it after the intake. */
  readonly broker: Broker;
  readonly files: FileStore;
  readonly secrets: Secrets;
  readonly options: IntakeOptions;
}

/**
 * The studio-intake service: REST and AMQP in. For a process of its own or one among others. Needs the PlatformModule of
 * whoever creates the application, and `prepareRest` on that application.
 */
@Module({})
export class IntakeModule implements OnApplicationBootstrap {
  constructor(
    private readonly health: Health,
    @Inject(FILE_STORE) private readonly files: FileStore,
  ) {}

  static forRoot({ broker, files, secrets, options }: IntakeModuleOptions): DynamicModule {
    return {
      module: IntakeModule,
      controllers: [
        OperationsController,
        WorkflowsController,
        RunsController,
        RunBatchesController,
        LiveController,
        ActionsController,
        FilesController,
        DeadLettersController,
        AdminController,
        CommandIntake,
      ],
      providers: [
        { provide: BROKER, useValue: broker },
        { provide: FILE_STORE, useValue: files },
        { provide: SECRETS, useValue: secrets },
        { provide: INTAKE_OPTIONS, useValue: options },
        AuthGuard,
        RunnerClient,
        OpenRuns,
        Admission,
        StateStoreClient,
        StoredActions,
        Definitions,
        CurrentWorkflows,
        Workflows,
        Runs,
        RunBatches,
        Estimates,
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.health.register('filestore', () => this.files.check());
  }
}

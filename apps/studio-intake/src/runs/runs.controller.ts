import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiHeader, ApiOperation, ApiTags } from '@nestjs/swagger';
import { listedRunStateSchema, type JsonObject } from '@ryax/contracts';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { InvalidRequestError } from '../errors';
import { pageQueryShape } from '../paging';
import { StateStoreClient } from '../state-store.client';
import { cancelBody, executionBody, idempotencyKey, runBody } from './run-request';
import { Runs } from './runs.service';
import { Estimates } from './estimates';

const positive = z.coerce.number().int().positive();
const listQuery = z.strictObject({
  ...pageQueryShape,
  workflow_id: z.string().min(1).optional(),
  state: listedRunStateSchema.optional(),
  /** `name=value`; given several times, all of them must match. */
  label: z.union([z.string(), z.array(z.string())]).optional(),
});
const runQuery = z.strictObject({ ...pageQueryShape, version: positive.optional() });
const historyQuery = z.strictObject({
  after_version: z.coerce.number().int().nonnegative().optional(),
  limit: pageQueryShape.limit,
});

@ApiTags('runs')
@Controller('v1')
export class RunsController {
  constructor(
    private readonly runs: Runs,
    private readonly estimates: Estimates,
    private readonly stateStore: StateStoreClient,
  ) {}

  @Post('workflows/:id/runs')
  @HttpCode(202)
  @NeedsScope('workflow:execute')
  @ApiOperation({ summary: 'Start a run of a deployed workflow' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key gives the same run' })
  async start(
    @Caller() caller: Principal,
    @Param('id') workflowId: string,
    @Headers('idempotency-key') key: string | undefined,
    @Body({ schema: runBody }) body: z.infer<typeof runBody>,
  ): Promise<JsonObject> {
    const run = await this.runs.start(caller, workflowId, { ...body, key: idempotencyKey(key) });
    return { run_id: run.runId, workflow_id: run.workflowId, workflow_version: run.workflowVersion, state: run.state };
  }

  @Post('executions')
  @HttpCode(202)
  @NeedsScope('workflow:execute')
  @ApiOperation({ summary: 'Validate, deploy and run a definition in one call' })
  @ApiHeader({ name: 'Idempotency-Key', required: false, description: 'The same key gives the same run' })
  async execute(
    @Caller() caller: Principal,
    @Headers('idempotency-key') key: string | undefined,
    @Body({ schema: executionBody }) { definition, ...body }: z.infer<typeof executionBody>,
  ): Promise<JsonObject> {
    const run = await this.runs.execute(caller, definition, { ...body, key: idempotencyKey(key) });
    return {
      execution_id: run.runId,
      run_id: run.runId,
      workflow_id: run.workflowId,
      workflow_version: run.workflowVersion,
      status: 'submitted',
      ...(await this.estimates.of(caller, run.definitionHash, body.inputs)),
    };
  }

  @Get('runs')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'List runs, newest first, by workflow, state and label' })
  list(@Caller() { project }: Principal, @Query({ schema: listQuery }) { label, ...query }: z.infer<typeof listQuery>) {
    return this.stateStore.query('run.list', {
      project,
      ...query,
      ...(label === undefined ? {} : { labels: labelsOf(label) }),
    });
  }

  @Get('runs/:id')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'One run as of now, or as of a version of its history' })
  async get(
    @Caller() { project }: Principal,
    @Param('id') runId: string,
    @Query({ schema: runQuery }) query: z.infer<typeof runQuery>,
  ) {
    return this.stateStore.query('run.get', { project, run_id: runId, ...query });
  }

  @Get('runs/:id/history')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'The events of a run, each with what caused it' })
  history(
    @Caller() { project }: Principal,
    @Param('id') runId: string,
    @Query({ schema: historyQuery }) query: z.infer<typeof historyQuery>,
  ) {
    return this.stateStore.query('run.history', { project, run_id: runId, ...query });
  }

  @Get('runs/:id/results')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'The results of a run that has succeeded' })
  results(@Caller() { project }: Principal, @Param('id') runId: string) {
    return this.stateStore.query('run.results', { project, run_id: runId });
  }

  @Post('runs/:id/cancel')
  @HttpCode(202)
  @NeedsScope('workflow:execute')
  @ApiOperation({ summary: 'Cancel a run; force also ends what runs in finally' })
  cancel(
    @Caller() caller: Principal,
    @Param('id') runId: string,
    @Body({ schema: cancelBody.default({ reason: 'cancelled by request', force: false }) })
    body: z.infer<typeof cancelBody>,
  ): Promise<JsonObject> {
    return this.runs.cancel(caller, runId, body.reason, body.force);
  }
}

function labelsOf(label: string | readonly string[]): Record<string, string> {
  const pairs = (typeof label === 'string' ? [label] : label).map((text) => {
    const at = text.indexOf('=');
    if (at < 1)
      throw new InvalidRequestError('Invalid query', [{ path: 'label', reason: `expected name=value, found ${text}` }]);
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return Object.fromEntries(pairs);
}

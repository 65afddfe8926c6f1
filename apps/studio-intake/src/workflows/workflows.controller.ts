import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { JsonObject } from '@ryax/contracts';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { pageQuery } from '../paging';
import { StateStoreClient } from '../state-store.client';
import { Workflows } from './workflows.service';

const version = z.coerce.number().int().positive();

@ApiTags('workflows')
@Controller('v1/workflows')
export class WorkflowsController {
  constructor(
    private readonly workflows: Workflows,
    private readonly stateStore: StateStoreClient,
  ) {}

  @Post('validate')
  @HttpCode(200)
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'Check a definition (YAML or JSON) and answer all its faults' })
  @ApiConsumes('application/yaml', 'application/json')
  validate(@Caller() caller: Principal, @Body() body: unknown): Promise<JsonObject> {
    return this.workflows.validate(caller, body);
  }

  @Post()
  @NeedsScope('workflow:deploy')
  @ApiOperation({
    summary: 'Deploy a definition (YAML or JSON): changed content makes a new version, equal content the same one',
  })
  @ApiConsumes('application/yaml', 'application/json')
  deploy(@Caller() caller: Principal, @Body() body: unknown): Promise<JsonObject> {
    return this.workflows.deploy(caller, body);
  }

  @Get()
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'List workflows' })
  list(@Caller() { project }: Principal, @Query({ schema: pageQuery }) page: z.infer<typeof pageQuery>) {
    return this.stateStore.query('workflow.list', { project, ...page });
  }

  @Get(':id')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'One workflow: its newest deployed version' })
  get(@Caller() caller: Principal, @Param('id') id: string) {
    return this.workflows.get(caller, id);
  }

  @Get(':id/versions/:version')
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'One version of a workflow' })
  getVersion(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @Param('version', { schema: version }) wanted: number,
  ) {
    return this.workflows.get(caller, id, wanted);
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsScope('workflow:deploy')
  @ApiOperation({ summary: 'Undeploy: no new runs; those that run go on' })
  async undeploy(@Caller() caller: Principal, @Param('id') id: string): Promise<void> {
    await this.workflows.undeploy(caller, id);
  }
}

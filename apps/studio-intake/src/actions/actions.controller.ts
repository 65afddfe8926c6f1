import { Controller, Get, Post, Query, Req } from '@nestjs/common';
import { ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { JsonObject } from '@ryax/contracts';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { binaryBody } from '../binary-body';
import { RunnerClient } from '../runner.client';
import { pageQuery } from '../paging';
import { StateStoreClient } from '../state-store.client';
import { StoredActions } from './stored-actions';

const uploadQuery = z.strictObject({
  /** Also under `id@version` in the catalogue. */
  publish: z.enum(['true', 'false']).default('false'),
});

@ApiTags('actions')
@Controller('v1/actions')
export class ActionsController {
  constructor(
    private readonly stored: StoredActions,
    private readonly runner: RunnerClient,
    private readonly stateStore: StateStoreClient,
  ) {}

  @Post()
  @NeedsScope('action:publish')
  @ApiOperation({ summary: 'Upload an action folder (tar.gz or zip); with publish=true into the catalogue, too' })
  @ApiConsumes('application/gzip', 'application/zip', 'application/octet-stream')
  async upload(
    @Caller() caller: Principal,
    @Query({ schema: uploadQuery }) { publish }: z.infer<typeof uploadQuery>,
    @Req() request: FastifyRequest,
  ): Promise<JsonObject> {
    const action = await this.stored.upload(binaryBody(request));
    const { id, version, warnings } = action.manifest;
    if (publish === 'true') {
      const stream = { kind: 'action', project: caller.project, id: `${id}@${version}` } as const;
      const publication = { action_id: id, version, ...action, published_by: caller.subject };
      await this.runner.command('action.publish', stream, publication);
    }
    return { action_id: id, version, content_hash: action.content_hash, published: publish === 'true', warnings };
  }

  @Get()
  @NeedsScope('workflow:read')
  @ApiOperation({ summary: 'List the catalogue' })
  list(@Caller() { project }: Principal, @Query({ schema: pageQuery }) page: z.infer<typeof pageQuery>) {
    return this.stateStore.query('action.list', { project, ...page });
  }
}

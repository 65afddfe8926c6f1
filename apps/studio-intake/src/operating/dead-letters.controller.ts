import { Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { pageQuery } from '../paging';
import { StateStoreClient } from '../state-store.client';

/** Messages that could not be handled. They are nobody's in particular, so that their scope is the operator's. */
@ApiTags('operating')
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(private readonly stateStore: StateStoreClient) {}

  @Get()
  @NeedsScope('engine:operate')
  @ApiOperation({ summary: 'List messages that could not be handled, each with its error, newest first' })
  list(@Caller() { project }: Principal, @Query({ schema: pageQuery }) page: z.infer<typeof pageQuery>) {
    return this.stateStore.query('dead-letter.list', { project, ...page });
  }

  @Get(':id')
  @NeedsScope('engine:operate')
  @ApiOperation({ summary: 'One of them, with its headers and the beginning of its body' })
  get(@Caller() { project }: Principal, @Param('id') id: string) {
    return this.stateStore.query('dead-letter.get', { project, id });
  }

  @Post(':id/replay')
  @HttpCode(200)
  @NeedsScope('engine:operate')
  @ApiOperation({
    summary: 'Publish it again as it came, to where it was published; it is then no dead letter any more',
  })
  replay(@Caller() { project }: Principal, @Param('id') id: string) {
    return this.stateStore.query('dead-letter.replay', { project, id });
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsScope('engine:operate')
  @ApiOperation({ summary: 'Drop it for good' })
  async drop(@Caller() { project }: Principal, @Param('id') id: string): Promise<void> {
    await this.stateStore.query('dead-letter.drop', { project, id });
  }
}

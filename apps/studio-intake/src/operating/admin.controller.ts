import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import { Caller, NeedsScope, type Principal } from '../auth.guard';
import { StateStoreClient } from '../state-store.client';

/** What concerns the engine as a whole. */
@ApiTags('operating')
@Controller('v1/admin')
export class AdminController {
  constructor(private readonly stateStore: StateStoreClient) {}

  @Post('rebuild')
  @HttpCode(202)
  @NeedsScope('engine:operate')
  @ApiOperation({ summary: 'Build the read models anew from the whole log, beside those that serve meanwhile' })
  rebuild(@Caller() { project }: Principal) {
    return this.stateStore.query('read-models.rebuild', { project });
  }

  @Get('rebuild')
  @NeedsScope('engine:operate')
  @ApiOperation({ summary: 'Whether they are being built anew, and how far' })
  status(@Caller() { project }: Principal) {
    return this.stateStore.query('read-models.status', { project });
  }
}

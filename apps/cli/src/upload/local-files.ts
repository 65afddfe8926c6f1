import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { JsonObject } from '@ryax/contracts';
import type { Engine } from '../engine/engine';
import { codeOf } from '../error-facts';
import { WrongUseError } from '../errors';
import { archiveFolder, fileStream } from './folder-archive';

/** Uploads a local file or folder; answers the value that stands for it in a run. */
export async function uploadPath(engine: Engine, path: string): Promise<JsonObject> {
  const whole = resolve(path);
  const kind = await kindOf(whole);
  if (kind === undefined) throw new WrongUseError(`Expected a file or folder ${path}, found none`);
  const content = kind === 'file' ? fileStream(whole) : archiveFolder(whole);
  return engine.uploadFile(basename(whole), kind, content);
}

export async function kindOf(path: string): Promise<'file' | 'directory' | undefined> {
  try {
    const entry = await stat(path);
    return entry.isDirectory() ? 'directory' : entry.isFile() ? 'file' : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

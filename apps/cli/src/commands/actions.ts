import { printJson, printLines, type Context } from '../context';
import type { CatalogueItem } from '../engine/answers';
import { WrongUseError } from '../errors';
import { table } from '../render/table';
import { archiveFolder } from '../upload/folder-archive';
import { kindOf } from '../upload/local-files';

export async function listActions(context: Context, { json }: { readonly json?: boolean }): Promise<void> {
  const { engine, terminal } = context;
  const items: CatalogueItem[] = [];
  for (let cursor: string | null | undefined = undefined; cursor !== null;) {
    const page: { items: CatalogueItem[]; next_cursor: string | null } = await engine.actions(cursor);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  if (json === true) return printJson(context, items);
  if (items.length === 0)
    return terminal.note('No actions are published. Publish one with: ryax actions publish <folder>');
  const rows = items.map(({ action_id: id, version, manifest }) => [
    `${id}@${version}`,
    manifest.human_name,
    manifest.runtime,
  ]);
  printLines(context, table(['ACTION', 'NAME', 'RUNTIME'], rows, terminal.paint));
}

export async function publishAction({ engine, terminal }: Context, folder: string): Promise<void> {
  if ((await kindOf(folder)) !== 'directory')
    throw new WrongUseError(`Expected an action folder ${folder}, found none`);
  const { action_id: id, version, warnings } = await engine.uploadAction(archiveFolder(folder), true);
  for (const warning of warnings) terminal.note(`warning: ${warning}`);
  terminal.write(`Published ${id}@${version}\n`);
}

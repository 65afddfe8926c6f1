import type {
  ActionEntry,
  DeployedDefinition,
  Entry,
  IoDeclaration,
  JsonValue,
  SecretReference,
} from '@ryax/contracts';

type Seal = (path: string, value: string) => Promise<SecretReference>;

/** Replaces the passwords that stand in a definition by references to where they are kept encrypted. */
export async function sealDefinition(deployed: DeployedDefinition, seal: Seal): Promise<DeployedDefinition> {
  const { definition } = deployed;
  const { trigger, actions, finally: last } = definition.spec;
  const sealEntries = (entries: readonly Entry[]) =>
    Promise.all(entries.map((entry) => sealEntry(entry, deployed, seal)));
  return {
    ...deployed,
    definition: {
      ...definition,
      spec: {
        ...definition.spec,
        ...(trigger?.outputs === undefined
          ? {}
          : { trigger: { ...trigger, outputs: await sealDefaults(trigger.outputs, seal) } }),
        actions: await sealEntries(actions),
        ...(last === undefined
          ? {}
          : { finally: await Promise.all(last.map((entry) => sealAction(entry, deployed, seal))) }),
      },
    },
  };
}

async function sealEntry(entry: Entry, deployed: DeployedDefinition, seal: Seal): Promise<Entry> {
  if (!('actions' in entry)) return sealAction(entry, deployed, seal);
  return { ...entry, actions: await Promise.all(entry.actions.map((inner) => sealEntry(inner, deployed, seal))) };
}

async function sealAction(entry: ActionEntry, { actions }: DeployedDefinition, seal: Seal): Promise<ActionEntry> {
  const declared = entry.action === undefined ? undefined : actions[entry.action]?.manifest.inputs;
  if (entry.inputs === undefined || declared === undefined) return entry;
  const inputs: Record<string, JsonValue> = { ...entry.inputs };
  for (const { name, type } of declared) {
    const literal = type === 'password' ? literalText(inputs[name]) : undefined;
    if (literal !== undefined) inputs[name] = await seal(`${entry.id}.inputs.${name}`, literal);
  }
  return { ...entry, inputs };
}

function sealDefaults(outputs: readonly IoDeclaration[], seal: Seal): Promise<IoDeclaration[]> {
  return Promise.all(
    outputs.map(async (output) =>
      output.type === 'password' && typeof output.default_value === 'string'
        ? { ...output, default_value: await seal(`trigger.${output.name}`, output.default_value) }
        : output,
    ),
  );
}

/** The text of a literal; undefined for an expression, which has to be evaluated first, and for what is no text. */
function literalText(value: JsonValue | undefined): string | undefined {
  if (typeof value !== 'string') return undefined;
  if (!value.startsWith('=')) return value;
  return value.startsWith('==') ? value.slice(1) : undefined;
}

import { limits, type Failure, type JsonObject } from '@ryax/contracts';
import { fitValues, mostJsonBytes, type FileStore } from '@ryax/filestore';

/** Why a start can never be sent whose inputs are as small as they get. */
export const startTooLarge: Failure = {
  kind: 'rejected',
  message:
    `Expected a start of at most ${limits.messageBytes} bytes (messageBytes), found more, although its large inputs are in ` +
    'the filestore: its command, its environment or the number of its inputs is too large',
  details: { limit: 'messageBytes', value: limits.messageBytes },
};

/** Whether inputs have to be looked at before they are sent: cheap, as it is asked for every start. */
export function mayBeLarge(inputs: JsonObject, inlineValueBytes: number): boolean {
  let most = 0;
  for (const value of Object.values(inputs)) most += mostJsonBytes(value);
  return most > inlineValueBytes;
}

/** Inputs that a start can hold: the largest are in the filestore. */
export function fitInputs(files: FileStore, inputs: JsonObject, inlineValueBytes: number): Promise<JsonObject> {
  return fitValues(files, inputs, { valueBytes: inlineValueBytes, totalBytes: limits.startInputsBytes });
}

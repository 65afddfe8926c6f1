import { limits, type Failure, type JsonObject, type JsonValue } from '@ryax/contracts';
import { fitValues, type FileStore } from '@ryax/filestore';

/** Of a UTF-16 unit in a JSON text: in UTF-8, and where it may be escaped as well. */
const bytesPerUnit = 3;
const bytesPerRawUnit = 6;

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
  for (const value of Object.values(inputs)) most += mostBytes(value);
  return most > inlineValueBytes;
}

/** Inputs that a start can hold: the largest are in the filestore. */
export function fitInputs(files: FileStore, inputs: JsonObject, inlineValueBytes: number): Promise<JsonObject> {
  return fitValues(files, inputs, { valueBytes: inlineValueBytes, totalBytes: limits.startInputsBytes });
}

function mostBytes(value: JsonValue): number {
  if (typeof value === 'string') return value.length * bytesPerRawUnit;
  return typeof value === 'object' && value !== null ? JSON.stringify(value).length * bytesPerUnit : 0;
}

import { ApplicationFailure } from '@temporalio/common';

/**
 * Bytes that one argument or result may take as JSON. The server starts to warn here; it refuses 2 MiB, and a message
 * of several that passes 4 MiB shows as nothing but timeouts.
 */
export const PAYLOAD_LIMIT = 512 * 1024;

/** Type of the failure, which no retry policy retries. */
export const PAYLOAD_TOO_LARGE = 'PayloadTooLarge';

/**
 * Refuses values of which one is too large to pass through Temporal, naming the field at fault. Runs in workflows too,
 * so it is deterministic: the limit is no setting.
 *
 * @param what whose values they are, as the subject of a sentence: `The input of activity "refit"`
 * @throws ApplicationFailure of type `PayloadTooLarge`, non-retryable
 */
export function checkPayloads(what: string, values: readonly unknown[], limit = PAYLOAD_LIMIT): void {
  values.forEach((value, i) => {
    const size = jsonBytes(value);
    if (size <= limit) return;
    const path = [...(values.length > 1 ? [String(i)] : []), ...pathOfLargest(value, limit)];
    const field = path.length > 0 ? `, most of it in "${path.join('.')}"` : '';
    throw ApplicationFailure.nonRetryable(
      `${what} takes ${kibibytes(size)} where ${kibibytes(limit)} are allowed${field}; store it as an object and pass its address.`,
      PAYLOAD_TOO_LARGE,
    );
  });
}

/** Down the largest fields for as long as one alone is over the limit; the largest one where none is. */
function pathOfLargest(value: unknown, limit: number): string[] {
  const path: string[] = [];
  for (let parent = value; typeof parent === 'object' && parent !== null;) {
    const fields = Object.entries(parent).map(([name, field]: [string, unknown]) => ({
      name,
      field,
      size: jsonBytes(field),
    }));
    const largest = fields.sort((a, b) => b.size - a.size)[0];
    if (!largest || (largest.size <= limit && (path.length > 0 || Array.isArray(parent)))) break;
    path.push(largest.name);
    parent = largest.field;
  }
  return path;
}

function jsonBytes(value: unknown): number {
  const json = JSON.stringify(value) as string | undefined;
  return json === undefined ? 0 : new TextEncoder().encode(json).length;
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024)} KiB`;
}

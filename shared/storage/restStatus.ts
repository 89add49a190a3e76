/** Whether an error is the storage service's answer with this HTTP status. Both SDKs put it into `statusCode`. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

/** Whether a row was not created because there is one already. A 404 would mean that the table is missing. */
export function isLostCreation(error: unknown): boolean {
  return hasStatus(error, 409);
}

/** Whether a write with an ETag was not made because somebody else has changed the row, or has deleted it. */
export function isLostUpdate(error: unknown): boolean {
  return hasStatus(error, 412) || hasStatus(error, 404);
}

/** Whether an error is the storage service's answer with this HTTP status. Both SDKs put it into `statusCode`. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === status;
}

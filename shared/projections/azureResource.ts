/** The resource ID when it is one of Azure: other clouds have IDs of other forms, which must not pass for it. */
export function azureResourceId(resourceId: string | null | undefined): string | null {
  return resourceId?.toLowerCase().startsWith('/subscriptions/') ? resourceId : null;
}

import type { Stack } from '#dev/stack/stack.ts';

/** What must never show: the tokens handed out, the storage key, and the secret of the identity endpoint. */
export function secretsOf(stack: Stack): string[] {
  const [, storageKey = ''] = /AccountKey=([^;]+)/.exec(stack.azurite.connectionString) ?? [];
  const tokens = stack.simulator.control.issuedTokens();
  const signatures = tokens.map((token) => token.slice(token.lastIndexOf('.') + 1));
  return [...tokens, ...signatures, storageKey, stack.simulator.identityHeader];
}

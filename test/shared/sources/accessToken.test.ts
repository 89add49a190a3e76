import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createAccessTokens } from '#shared/sources/accessToken.ts';

const HOUR_MS = 3_600_000;

/** A provider of numbered tokens that live an hour; each request waits until it is answered. */
function numberedTokens() {
  const requests: { fresh: boolean }[] = [];
  const answers: { resolve: () => void; reject: (error: Error) => void }[] = [];
  let time = 0;
  const tokens = createAccessTokens(
    (options) => {
      requests.push(options);
      const token = { token: `token-${requests.length}`, expiresOnTimestamp: time + HOUR_MS };
      return new Promise((resolve, reject) => {
        answers.push({ resolve: () => resolve(token), reject });
      });
    },
    () => time,
  );
  return {
    tokens,
    requests,
    answer: () => answers.shift()?.resolve(),
    refuse: (error: Error) => answers.shift()?.reject(error),
    passTime(milliseconds: number) {
      time += milliseconds;
    },
  };
}

describe('the tokens of a process', () => {
  test('are asked for once, however many want one at the same time', async () => {
    const { tokens, requests, answer } = numberedTokens();
    const wanted = Promise.all(Array.from({ length: 50 }, () => tokens.get()));
    answer();
    expect(new Set(await wanted)).toEqual(new Set(['token-1']));
    expect(requests).toEqual([{ fresh: false }]);
  });

  test('are kept until five minutes before they end', async () => {
    const { tokens, requests, answer, passTime } = numberedTokens();
    const first = tokens.get();
    answer();
    await first;
    passTime(HOUR_MS - 5 * 60_000 - 1);
    expect(await tokens.get()).toBe('token-1');
    passTime(1);
    // Its successor is asked for; until that is there, and if it never comes, the token is good to its end.
    expect(await tokens.get()).toBe('token-1');
    expect(requests).toHaveLength(2);
    answer();
    await vi.waitFor(async () => expect(await tokens.get()).toBe('token-2'));
    expect(requests).toHaveLength(2);
  });

  test('are replaced on demand, by one request for all who demand it', async () => {
    const { tokens, requests, answer } = numberedTokens();
    const first = tokens.get();
    answer();
    await first;
    const renewed = Promise.all([tokens.renew(), tokens.renew(), tokens.renew()]);
    answer();
    expect(await renewed).toEqual(['token-2', 'token-2', 'token-2']);
    expect(await tokens.get()).toBe('token-2');
    expect(requests).toEqual([{ fresh: false }, { fresh: true }]);
  });

  test.each(['brings one', 'fails'])(
    'are replaced by a request of its own, after one under way that %s, which may bring the one of before',
    async (outcome) => {
      const { tokens, requests, answer, refuse } = numberedTokens();
      const wanted = Promise.allSettled([tokens.get()]);
      const renewed = Promise.all([tokens.renew(), tokens.renew(), tokens.get()]);
      expect(requests).toEqual([{ fresh: false }]);
      if (outcome === 'fails') {
        refuse(new Error('outage'));
      } else {
        answer();
      }
      await wanted;
      await vi.waitFor(() => expect(requests).toEqual([{ fresh: false }, { fresh: true }]));
      answer();
      expect(await renewed).toEqual(['token-2', 'token-2', 'token-2']);
      expect(await tokens.get()).toBe('token-2');
      expect(requests).toHaveLength(2);
    },
  );

  test('are asked for again after a failure, which everybody hears of who waited', async () => {
    const { tokens, answer, refuse } = numberedTokens();
    const wanted = Promise.allSettled([tokens.get(), tokens.get()]);
    refuse(new Error('no identity'));
    expect((await wanted).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = tokens.get();
    answer();
    expect(await next).toBe('token-2');
  });

  test('are given up when no answer comes, and asked for again by the next one', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { tokens, requests, answer } = numberedTokens();
    const wanted = expect(tokens.get()).rejects.toThrow('no answer within 30 s');
    await vi.advanceTimersByTimeAsync(30_000);
    await wanted;
    answer();
    const next = tokens.get();
    answer();
    expect(await next).toBe('token-2');
    expect(requests).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('stay in use when a renewal fails', async () => {
    const { tokens, answer, refuse } = numberedTokens();
    const first = tokens.get();
    answer();
    await first;
    const renewed = tokens.renew();
    refuse(new Error('outage'));
    await expect(renewed).rejects.toThrow('outage');
    expect(await tokens.get()).toBe('token-1');
  });
});

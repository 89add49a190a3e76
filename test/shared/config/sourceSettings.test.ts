import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { problemsWith, settingsWith } from './problems.ts';

const Development = { AZURE_FUNCTIONS_ENVIRONMENT: 'Development' };

describe('the clouds of Defender', () => {
  test.each([
    ['commercial', 'https://api.securitycenter.microsoft.com'],
    ['gcc', 'https://api-gcc.securitycenter.microsoft.us'],
    ['gcc-high', 'https://api-gov.securitycenter.microsoft.us'],
    ['dod', 'https://api-gov.securitycenter.microsoft.us'],
  ])('have host and audience for %s', (DEFENDER_CLOUD, apiUrl) => {
    expect(settingsWith({ DEFENDER_CLOUD }).source).toMatchObject({
      apiUrl,
      tokenScope: `${apiUrl}/.default`,
    });
  });

  test.each(['us', 'eu', 'uk', 'au', 'swa', 'ina', 'aea'])(
    'have a host of their own in %s, with the audience of all',
    (DEFENDER_GEO) => {
      expect(settingsWith({ DEFENDER_GEO }).source).toMatchObject({
        apiUrl: `https://${DEFENDER_GEO}.api.security.microsoft.com`,
        tokenScope: 'https://api.securitycenter.microsoft.com/.default',
      });
    },
  );

  test('are only these', () => {
    expect(problemsWith({ DEFENDER_CLOUD: 'GCC', DEFENDER_GEO: 'mars' })).toEqual({
      DEFENDER_CLOUD: 'got "GCC"; allowed: `commercial`, `gcc`, `gcc-high`, `dod`.',
      DEFENDER_GEO:
        'got "mars"; allowed: `us`, `eu`, `uk`, `au`, `swa`, `ina`, `aea`; with `DEFENDER_CLOUD` `commercial` only.',
    });
  });

  test.each(['gcc', 'gcc-high', 'dod'])('have no regions in %s', (DEFENDER_CLOUD) => {
    expect(problemsWith({ DEFENDER_CLOUD, DEFENDER_GEO: 'us' })).toEqual({
      DEFENDER_GEO: expect.stringContaining('with `DEFENDER_CLOUD` `commercial` only'),
    });
  });

  test('can be overridden by an address and an audience', () => {
    const tokenScope = 'https://securitycenter.onmicrosoft.com/windowsatpservice/.default';
    const { source } = settingsWith({
      DEFENDER_CLOUD: 'gcc',
      DEFENDER_API_URL: 'https://api-gcc.security.microsoft.us/',
      DEFENDER_TOKEN_SCOPE: tokenScope,
    });

    expect(source).toMatchObject({ apiUrl: 'https://api-gcc.security.microsoft.us', tokenScope });
  });
});

describe('Microsoft Graph', () => {
  test.each([
    ['commercial', 'https://graph.microsoft.com'],
    ['gcc', 'https://graph.microsoft.com'],
    ['gcc-high', 'https://graph.microsoft.us'],
    ['dod', 'https://dod-graph.microsoft.us'],
  ])('has host and audience for %s', (DEFENDER_CLOUD, apiUrl) => {
    expect(settingsWith({ DEFENDER_CLOUD }).graph).toMatchObject({
      apiUrl,
      tokenScope: `${apiUrl}/.default`,
    });
  });

  test('can be overridden by an address, an audience and limits', () => {
    const GRAPH_TOKEN_SCOPE = '00000003-0000-0000-c000-000000000000/.default';
    const { graph } = settingsWith({
      ...Development,
      GRAPH_API_URL: 'http://127.0.0.1:7076/',
      GRAPH_TOKEN_SCOPE,
      GRAPH_RATE_LIMITS: '5/1s',
      HUNTING_RATE_LIMITS: '1/2s,40/1m',
    });

    expect(graph).toEqual({
      apiUrl: 'http://127.0.0.1:7076',
      tokenScope: GRAPH_TOKEN_SCOPE,
      rateLimits: [{ calls: 5, windowMs: 1_000 }],
      huntingRateLimits: [
        { calls: 1, windowMs: 2_000 },
        { calls: 40, windowMs: 60_000 },
      ],
    });
  });

  test.each([
    'https://graph.microsoft.com.evil.example',
    'https://evilgraph.microsoft.com',
    'https://evil.graph.microsoft.com',
    'https://graph.microsoft.com@evil.example',
    'https://api.security.microsoft.com',
    'https://graph.microsoft.com/v1.0',
    'http://graph.microsoft.com',
    'https://microsoftgraph.chinacloudapi.cn',
    'http://127.0.0.1.evil.example',
  ])('may not be %s, wherever the app runs', (GRAPH_API_URL) => {
    for (const environment of [{}, Development]) {
      expect(problemsWith({ ...environment, GRAPH_API_URL })).toEqual({
        GRAPH_API_URL: expect.stringContaining('allowed: `https://graph.microsoft.com`'),
      });
    }
  });

  test('may be on loopback in Development only', () => {
    expect(problemsWith({ GRAPH_API_URL: 'http://127.0.0.1:7076' })).toEqual({
      GRAPH_API_URL: expect.stringContaining('where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`'),
    });
  });

  test('is a source by choice, with a word for a misspelt one', () => {
    expect(settingsWith({ ENRICHMENT_SOURCE: 'auto' }).sourceChoice).toBe('auto');
    expect(problemsWith({ ENRICHMENT_SOURCE: 'grpah', HUNTING_RATE_LIMIT: '1/1m' })).toEqual({
      ENRICHMENT_SOURCE: expect.stringContaining('Did you mean graph?'),
      HUNTING_RATE_LIMIT: expect.stringContaining('did you mean HUNTING_RATE_LIMITS?'),
    });
  });
});

describe('the address of the API', () => {
  test.each([
    'https://api.security.microsoft.com',
    'https://eu.api.security.microsoft.com',
    'https://api-eu.securitycenter.microsoft.com',
    'https://api.securitycenter.windows.com',
    'https://api-gov.securitycenter.microsoft.us',
    'https://api-gov.security.microsoft.us',
  ])('may be %s', (DEFENDER_API_URL) => {
    expect(settingsWith({ DEFENDER_API_URL }).source.apiUrl).toBe(DEFENDER_API_URL);
  });

  test.each([
    'https://api.securitycenter.microsoft.com.evil.example',
    'https://evil.example/#api.security.microsoft.com',
    'https://evil.example/?api.security.microsoft.com',
    'https://evil.example/api.security.microsoft.com',
    'https://evil.example\\.api.security.microsoft.com',
    'https://evil.example%2f.api.security.microsoft.com',
    'https://evil.example%00.api.security.microsoft.com',
    'https://api.security.microsoft.com@evil.example',
    'https://api.security.microsoft.com:x@evil.example',
    'https://user:password@api.security.microsoft.com',
    'https://@api.security.microsoft.com',
    'https://evilapi.security.microsoft.com',
    'https://security.microsoft.com',
    'https://evilsecuritycenter.microsoft.com',
    'https://securitycenter.microsoft.com',
    'https://api-security.microsoft.com',
    'https://api.security.microsoft.com.',
    'https://api.security.microsoft.com/api',
    'https://api.security.microsoft.com/?x=1',
    'https://api.security.microsoft.com/#x',
    'http://api.security.microsoft.com',
    'ftp://api.security.microsoft.com',
    'file://api.security.microsoft.com/',
    'https://graph.microsoft.com',
    'https://10.0.0.1',
    'https://0.0.0.0',
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://128.0.0.1',
    'http://[::2]',
    'http://127.0.0.1@evil.example',
    'http://127.0.0.1/api',
    'ws://127.0.0.1',
    'https:// api.security.microsoft.com',
    'api.security.microsoft.com',
    'javascript:alert(1)',
    'not an address',
  ])('may not be %s, wherever the app runs', (DEFENDER_API_URL) => {
    for (const environment of [{}, Development]) {
      expect(problemsWith({ ...environment, DEFENDER_API_URL })).toEqual({
        DEFENDER_API_URL: expect.stringMatching(
          /^got .*; allowed: https and a host under `api\.security\.microsoft\.com`, .*; no user, path, query or fragment\.$/,
        ),
      });
    }
  });

  test.each([
    ['http://127.0.0.1:7075', 'http://127.0.0.1:7075'],
    ['http://127.255.0.9:1/', 'http://127.255.0.9:1'],
    ['http://127.1:7075', 'http://127.0.0.1:7075'],
    ['http://[::1]:7075', 'http://[::1]:7075'],
    ['http://localhost:7075', 'http://localhost:7075'],
    ['https://localhost:7075', 'https://localhost:7075'],
  ])('may be %s in Development only', (DEFENDER_API_URL, apiUrl) => {
    expect(settingsWith({ ...Development, DEFENDER_API_URL })).toMatchObject({
      source: { apiUrl },
      development: true,
    });
    for (const AZURE_FUNCTIONS_ENVIRONMENT of ['', 'Production', 'Staging', 'Developmental']) {
      expect(problemsWith({ AZURE_FUNCTIONS_ENVIRONMENT, DEFENDER_API_URL })).toEqual({
        DEFENDER_API_URL: expect.stringContaining('where `AZURE_FUNCTIONS_ENVIRONMENT` is `Development`'),
      });
    }
  });

  test('lets no token out to another host, whatever the address is made of', () => {
    const piece = fc.constantFrom(
      'https:',
      'http:',
      '//',
      '/',
      '\\',
      '@',
      ':',
      '.',
      '#',
      '?',
      '%2e',
      '%00',
      '\t',
      '\u3002',
      '\uff0f',
      '443',
      'evil.example',
      'api.security.microsoft.com',
      '.securitycenter.microsoft.com',
      'localhost',
      '127.0.0.1',
    );
    const address = fc.array(piece, { maxLength: 8 }).map((pieces) => `https://${pieces.join('')}`);
    fc.assert(
      fc.property(address, (DEFENDER_API_URL) => {
        if ('DEFENDER_API_URL' in problemsWith({ DEFENDER_API_URL })) {
          return;
        }
        const { protocol, hostname } = new URL(settingsWith({ DEFENDER_API_URL }).source.apiUrl);
        expect(protocol).toBe('https:');
        expect(hostname).toMatch(/(^|\.)api\.security\.microsoft\.com$|\.securitycenter\.microsoft\.com$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the call settings', () => {
  test('are read', () => {
    const clientId = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';
    const { source } = settingsWith({
      AZURE_CLIENT_ID: clientId,
      DEFENDER_RATE_LIMITS: '10/2s,50/1m',
      DEFENDER_QUOTA_SHARE: '.5',
    });

    expect(source).toMatchObject({
      clientId,
      rateLimits: [
        { calls: 10, windowMs: 2_000 },
        { calls: 50, windowMs: 60_000 },
      ],
      quotaShare: 0.5,
    });
  });

  test.each([
    'https://api.securitycenter.microsoft.com//.default',
    'api://fc780465-2017-40d4-a0c5-307022471b92/.default',
    'fc780465-2017-40d4-a0c5-307022471b92/.default',
  ])('may ask for tokens for %s', (DEFENDER_TOKEN_SCOPE) => {
    expect(settingsWith({ DEFENDER_TOKEN_SCOPE }).source.tokenScope).toBe(DEFENDER_TOKEN_SCOPE);
  });

  test.each([
    'https://api.securitycenter.microsoft.com',
    'Machine.Read.All',
    '/.default',
    'http://a.example/.default',
    'https://a.example/.default https://b.example/.default',
  ])('may not ask for tokens for %s', (DEFENDER_TOKEN_SCOPE) => {
    expect(problemsWith({ DEFENDER_TOKEN_SCOPE })).toEqual({
      DEFENDER_TOKEN_SCOPE: `got "${DEFENDER_TOKEN_SCOPE}"; allowed: an audience (https or api address, or application ID) with \`/.default\` at its end.`,
    });
  });

  test('want a GUID for the identity', () => {
    expect(problemsWith({ AZURE_CLIENT_ID: 'my-identity' })).toEqual({
      AZURE_CLIENT_ID: 'got "my-identity"; allowed: a client ID (GUID), not the principal ID.',
    });
  });

  test('say how rate limits are written', () => {
    expect(problemsWith({ DEFENDER_RATE_LIMITS: '100 per minute' })).toEqual({
      DEFENDER_RATE_LIMITS:
        'got "100 per minute"; allowed: one or more of calls/window with commas between, such as `100/1m,1500/1h`; the calls a whole number from 1 to 50000, the window a duration longer than 0.',
    });
  });

  test.each(['0', '0.0', '1.01', '2', '-0.5', '50%', '1e-1', '0,5', 'half', '.'])(
    'refuse a share of %s',
    (DEFENDER_QUOTA_SHARE) => {
      expect(problemsWith({ DEFENDER_QUOTA_SHARE })).toEqual({
        DEFENDER_QUOTA_SHARE: `got "${DEFENDER_QUOTA_SHARE}"; allowed: a number above 0 and up to 1, such as \`0.5\`, that leaves at least one call in each window.`,
      });
    },
  );

  test('refuse a share of a window in which no call would be left, because no alert would ever end', () => {
    expect(settingsWith({ DEFENDER_QUOTA_SHARE: '0.01' }).source.quotaShare).toBe(0.01);
    expect(problemsWith({ DEFENDER_QUOTA_SHARE: '0.009' })).toEqual({
      DEFENDER_QUOTA_SHARE: expect.stringContaining('leaves at least one call in each window'),
    });
  });
});

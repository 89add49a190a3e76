import { describe, expect, test } from 'vitest';
import { matcherOf, specificityOf } from '#dev/host/httpRoute.ts';

describe('A route', () => {
  const match = matcherOf('/api/alerts/{id}/{part?}');

  test.each([
    ['/api/alerts/da1', { id: 'da1' }],
    ['/API/Alerts/da1/', { id: 'da1' }],
    ['/api/alerts/da1/device', { id: 'da1', part: 'device' }],
    ['/api/alerts/a%2Fb', { id: 'a/b' }],
    ['/api/alerts', undefined],
    ['/api/alerts/da1/device/more', undefined],
    ['/api/alarms/da1', undefined],
    ['/api/alerts/%E0', undefined],
  ])('matches %s to %j', (path, params) => {
    expect(match(path)).toEqual(params);
  });

  test('with a literal comes before one with a parameter', () => {
    const templates = ['/api/{name}', '/api/{name?}', '/api/health'];
    const sorted = templates.toSorted((one, other) => (specificityOf(one) < specificityOf(other) ? -1 : 1));
    expect(sorted).toEqual(['/api/health', '/api/{name}', '/api/{name?}']);
  });

  test('that needs more than parameters is refused', () => {
    expect(() => matcherOf('/api/{id:int}')).toThrow('it knows {name} and {name?}');
  });
});

import { describe, expect, test } from 'vitest';
import { ALERT_ID, alertIdsIn, base64, read, reasonsIn } from './support.ts';

const object = JSON.stringify({ alertId: ALERT_ID });
/** 30 characters: its base64 has no padding to tell it by. */
const UNPADDED = 'da637472900382838869_136496960';

describe('a message that was encoded twice, or carelessly, is read all the same', () => {
  test.each([
    ['base64 of base64', base64(base64(object))],
    ['base64 of base64 of an ID', base64(base64(ALERT_ID))],
    ['a JSON string that holds base64', JSON.stringify(base64(object))],
    ['a JSON string that holds JSON', JSON.stringify(object)],
    ['base64 of a JSON string that holds JSON', base64(JSON.stringify(object))],
    ['base64 with line breaks', base64(object).replace(/.{20}/g, '$&\r\n')],
    ['base64 without its padding', base64(`${object} `).replace(/=+$/, '')],
    ['base64 in the alphabet of URLs', Buffer.from(object).toString('base64url')],
    ['an ID in single quotes', `'${ALERT_ID}'`],
  ])('%s', (_, text) => {
    expect(alertIdsIn(read(text))).toEqual([ALERT_ID]);
  });

  test('base64 without padding is never itself taken for an alert ID', () => {
    expect(base64(UNPADDED)).toMatch(/^[A-Za-z0-9]+$/);
    expect(alertIdsIn(read(base64(UNPADDED)))).toEqual([UNPADDED]);
    expect(alertIdsIn(read(Buffer.from(ALERT_ID).toString('base64url')))).toEqual([ALERT_ID]);
  });

  test('IDs one a line are a list', () => {
    expect(alertIdsIn(read(`${ALERT_ID}\r\nda637_2\n`))).toEqual([ALERT_ID, 'da637_2']);
  });

  test('what is no ID stays none, however often it is encoded', () => {
    expect(reasonsIn(read(base64(base64('../../machines'))))).toEqual(['bad-alert-id']);
    expect(reasonsIn(read(base64(base64(base64(base64(base64(base64(object))))))))).toEqual(['bad-encoding']);
  });

  test('an alert ID that happens to be base64 of rubbish stays an alert ID', () => {
    expect(alertIdsIn(read(ALERT_ID))).toEqual([ALERT_ID]);
    expect(alertIdsIn(read('fagja2e58a'))).toEqual(['fagja2e58a']);
  });
});

test('a Sentinel row with a GUID of its own is looked up by the alert that it links to', () => {
  const row = {
    ProductName: 'Microsoft Defender Advanced Threat Protection',
    VendorOriginalId: '1b2c3d4e-5f60-4718-8293-a4b5c6d7e8f9',
    SystemAlertId: '5d0c7f0a-8f5e-4c43-9d0e-1f2a3b4c5d6e',
    AlertLink: `https://security.microsoft.com/alerts/${ALERT_ID}?tid=1`,
  };
  expect(alertIdsIn(read(row))).toEqual([ALERT_ID]);
});

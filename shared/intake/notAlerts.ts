import type { Recognition, Recognizer } from './alertRequest.ts';
import { hasAll, type JsonObject, textIn } from './jsonObject.ts';

/** What people send that is no alert, or one that the endpoint API cannot know: told apart, so that it costs no call. */

/**
 * Products whose alerts are about no device that the endpoint API knows, in the words of Graph (`serviceSource`),
 * Defender XDR (`serviceSource`, `ServiceSource`) and Sentinel (`ProductName`), without spaces and case.
 * https://learn.microsoft.com/graph/api/resources/security-alert#servicesource-values and
 * https://learn.microsoft.com/azure/sentinel/security-alert-schema
 */
const OTHER_PRODUCTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'Microsoft Defender for Identity': [
      'microsoftdefenderforidentity',
      'azureadvancedthreatprotection',
      'azureatp',
    ],
    'Microsoft Defender for Cloud Apps': [
      'microsoftdefenderforcloudapps',
      'microsoftcloudappsecurity',
      'microsoftappgovernance',
      'appgovernance',
    ],
    'Microsoft Defender for Office 365': [
      'microsoftdefenderforoffice365',
      'office365advancedthreatprotection',
      'microsoftdefenderoffice365',
      'officeatp',
    ],
    'Microsoft Entra ID Protection': [
      'azureadidentityprotection',
      'aadidentityprotection',
      'azureactivedirectoryidentityprotection',
      'microsoftentraidprotection',
    ],
    'Microsoft Defender for Cloud': ['azuresecuritycenter', 'microsoftdefenderforcloud'],
    'Microsoft Purview': [
      'datalossprevention',
      'microsoftdatalossprevention',
      'microsoftinsiderriskmanagement',
    ],
    'Microsoft Sentinel': ['azuresentinel', 'microsoftsentinel', 'asischeduledalerts'],
  }).flatMap(([product, words]) => words.map((word) => [word, product] as const)),
);

/** Answers for an alert of a product that the source cannot know; undefined for any other, unknown ones included. */
export function otherProduct(...names: unknown[]): Recognition | undefined {
  for (const name of names) {
    const product =
      typeof name === 'string' ? OTHER_PRODUCTS.get(name.replaceAll(/\s/g, '').toLowerCase()) : undefined;
    if (product === undefined) {
      continue;
    }
    return product === 'Microsoft Sentinel'
      ? {
          kind: 'other',
          what: 'an alert that Sentinel raised itself, by a rule of its own, which Defender does not know',
          send: 'the Defender alerts that the rule found, by their AlertId',
        }
      : {
          kind: 'other',
          what: `an alert of ${product}, which the endpoint API does not know`,
          send: 'alerts of Microsoft Defender for Endpoint or Defender XDR only',
        };
  }
  return undefined;
}

/** What else people send, by the fields that give it away, with what to send instead. */
const OTHERS: readonly { what: string; send: string; isIt(value: JsonObject): boolean }[] = [
  {
    what: 'an incident without its alerts',
    send: 'its alerts: in Graph ask for the incident with $expand=alerts, in Sentinel hand on the alerts of the trigger',
    isIt: (value) =>
      value['@odata.type'] === '#microsoft.graph.security.incident' ||
      value.objectSchemaType === 'Incident' ||
      /\/incidents$/i.test(textIn(value.type)) ||
      hasAll(value, 'incidentId', 'incidentName'),
  },
  {
    what: 'a machine action',
    send: 'the alert that the action was taken for',
    isIt: (value) => hasAll(value, 'type', 'machineId') && !Object.hasOwn(value, 'title'),
  },
  {
    what: 'a machine',
    send: 'an alert about it; the device of an alert is what comes out here',
    isIt: (value) =>
      ['computerDnsName', 'healthStatus', 'onboardingStatus', 'osPlatform'].some((name) =>
        Object.hasOwn(value, name),
      ),
  },
  {
    what: 'a vulnerability',
    send: 'an alert ID',
    isIt: (value) => Object.hasOwn(value, 'cvssV3') || /^CVE-\d/i.test(textIn(value.id)),
  },
  {
    what: 'an indicator',
    send: 'an alert ID',
    isIt: (value) => Object.hasOwn(value, 'indicatorValue') || Object.hasOwn(value, 'indicatorType'),
  },
];

/** Recognizes what is no alert, so that its dead letter can say what to send instead. */
export const otherThing: Recognizer = (value) => {
  const other = OTHERS.find(({ isIt }) => isIt(value));
  return other && { kind: 'other', what: other.what, send: other.send };
};

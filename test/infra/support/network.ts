import { type Deployment, STORAGE_SUFFIX } from './bicep.ts';

const SERVICES = ['blob', 'queue', 'table'];

/** Ways around the virtual network, and services of the storage account that it has no way to. */
export function networkProblems({ resources }: Deployment): string[] {
  const properties = (type: string) =>
    resources.filter((resource) => resource.type === type).map(({ body }) => body.properties);
  const [account] = properties('Microsoft.Storage/storageAccounts') as {
    publicNetworkAccess: string;
    networkAcls: { defaultAction: string };
  }[];
  const [app] = properties('Microsoft.Web/sites') as { virtualNetworkSubnetId: string | null }[];
  const [network] = properties('Microsoft.Network/virtualNetworks') as {
    subnets: {
      name: string;
      properties: { delegations?: { properties: { serviceName: string } }[] };
    }[];
  }[];
  const endpoints = properties('Microsoft.Network/privateEndpoints') as {
    privateLinkServiceConnections: { properties: { groupIds: string[] } }[];
  }[];
  const groupIds = endpoints.flatMap(({ privateLinkServiceConnections }) =>
    privateLinkServiceConnections.flatMap((connection) => connection.properties.groupIds),
  );
  const named = (type: string) =>
    resources.filter((resource) => resource.type === type).map(({ body }) => String(body.name));
  const zones = named('Microsoft.Network/privateDnsZones');
  const links = named('Microsoft.Network/privateDnsZones/virtualNetworkLinks');
  const zoneGroups = properties('Microsoft.Network/privateEndpoints/privateDnsZoneGroups');
  const appSubnet = network?.subnets.find(({ name }) => app?.virtualNetworkSubnetId?.endsWith(`/${name}`));
  const delegated = appSubnet?.properties.delegations?.map((delegation) => delegation.properties.serviceName);
  const facts: [isSo: boolean, otherwise: string][] = [
    [account?.publicNetworkAccess === 'Disabled', 'storage can be reached from outside'],
    [account?.networkAcls.defaultAction === 'Deny', 'storage lets everybody in'],
    [
      delegated?.join() === 'Microsoft.App/environments',
      'the subnet of the app is not delegated to Flex Consumption',
    ],
    ...SERVICES.flatMap((service): [boolean, string][] => {
      const zone = `privatelink.${service}.${STORAGE_SUFFIX}`;
      return [
        [groupIds.includes(service), `there is no private endpoint of ${service}`],
        [zones.includes(zone), `there is no zone of ${service}`],
        [links.some((name) => name.startsWith(`${zone}/`)), `no network sees the zone of ${service}`],
        [
          zoneGroups.some((group) => JSON.stringify(group).includes(zone)),
          `no endpoint is in the zone of ${service}`,
        ],
      ];
    }),
  ];
  return facts.filter(([isSo]) => !isSo).map(([, otherwise]) => otherwise);
}

// For azd and for deployments at subscription scope: makes the resource group, then everything in it.
// Whoever has a resource group already deploys resources.bicep instead.
targetScope = 'subscription'

@description('Name of the environment. Resource names and the resource group follow from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of all resources. It must offer the Flex Consumption plan.')
@metadata({
  azd: {
    type: 'location'
  }
})
@minLength(1)
param location string

@description('Name of the resource group; "rg-" and the environment\'s name when empty.')
param resourceGroupName string = ''

@description('Node.js version of the app. Check that the region offers 24 on Flex Consumption before choosing it.')
@allowed([
  '22'
  '24'
])
param nodeVersion string = '22'

@description('Memory of one instance in MB. It also sets the price of a second.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('The most instances of each function group: HTTP, enrichAlert and, with a schedule, the poller are scaled apart. One instance works on up to 48 alerts at once and Defender permits one app 25 calls a minute sustained, so more instances enrich nothing sooner and cost more. Where the region answers InvalidMaximumInstanceCount, set 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 3

@description('How running instances give way to new code or settings. Recreate cuts off what runs, which then comes again; RollingUpdate lets it end, and is a preview.')
@allowed([
  'Recreate'
  'RollingUpdate'
])
param updateStrategy string = 'Recreate'

@description('Cloud of the Defender tenant; sets API host and token audience.')
@allowed([
  'commercial'
  'gcc'
  'gcc-high'
  'dod'
])
param defenderCloud string = 'commercial'

@description('Region whose own Defender API host is called; empty for the global one. With the commercial cloud only.')
@allowed([
  ''
  'us'
  'eu'
  'uk'
  'au'
  'swa'
  'ina'
  'aea'
])
param defenderGeo string = ''

@description('Which API the app asks for devices: Defender for Endpoint, Microsoft Graph, or Graph once Defender is gone. It decides which permissions are to be granted.')
@allowed([
  'defender'
  'graph'
  'auto'
])
param enrichmentSource string = 'defender'

@description('Where traces and metrics go: nowhere, to Application Insights, or to a collector that OTEL_EXPORTER_OTLP_ENDPOINT in extraSettings names.')
@allowed([
  'off'
  'azure-monitor'
  'otlp'
])
param telemetry string = 'off'

@description('Client ID of the multitenant app registration that signs in to customers\' tenants, by infra/register-app.sh or .ps1; empty to serve the home tenant alone.')
param defenderAppId string = ''

@description('Part of Defender\'s limits that this app may use, above 0 and up to 1, where others call with the same identity.')
param quotaShare string = '1'

@description('How many copies of the storage account there are, and where. GRS and GZRS copy to the paired region as well.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageRedundancy string = 'Standard_LRS'

@description('Whether a lock keeps the storage account from being deleted. Making one takes Owner or User Access Administrator.')
param deleteLock bool = false

@description('Whether the app is called from outside every 15 minutes, with an alert when it does not answer.')
param availabilityTest bool = true

@description('Whether storage is reached through a virtual network and private endpoints only.')
param vnetEnabled bool = false

@description('Schedule on which Defender is asked for new alerts, as an NCRONTAB expression; empty for never. Needs Alert.Read.All.')
param alertPollSchedule string = ''

@description('Severities of the alerts to poll for, with commas between; empty for all.')
param alertPollSeverities string = ''

@description('Statuses of the alerts to poll for, with commas between; empty for all.')
param alertPollStatuses string = ''

@description('Detection sources of the alerts to poll for, with commas between; empty for all.')
param alertPollDetectionSources string = ''

@description('How HTTP callers are let in: by function key, or by Microsoft Entra ID in front of the app.')
@allowed([
  'key'
  'entra'
])
param httpAuthorization string = 'key'

@description('With entra: client ID of the application registration that callers ask tokens for.')
param entraClientId string = ''

@description('With entra: client IDs of the applications and managed identities that may call, with commas between; only the registration itself when empty.')
param allowedClientIds string = ''

@description('Further settings of the app by name, such as REUSE_FOR or ENRICHMENT_FORMATS. What this template sets itself comes first.')
param extraSettings object = {}

@description('Address that is told when an alert rule fires; empty for none.')
param alertEmail string = ''

@description('Minutes that an alert may wait before a rule fires. A line of 1,500 alerts is one hour long.')
@minValue(1)
param oldestWaitingMinutes int = 60

@description('Object ID of the person or group that operates the app and may read and write its queues and tables. When empty it is the person who deploys, and nobody where a pipeline deploys.')
param operatorPrincipalId string = ''

@description('What the operator is.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorPrincipalType string = 'User'

// Only a person has a user principal name: a pipeline needs no queue and no table.
var isOperatedByDeployer = empty(operatorPrincipalId) && contains(deployer(), 'userPrincipalName')

var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: empty(resourceGroupName) ? 'rg-${environmentName}' : resourceGroupName
  location: location
  tags: tags
}

module resources 'resources.bicep' = {
  name: 'resources'
  scope: group
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    updateStrategy: updateStrategy
    defenderCloud: defenderCloud
    defenderGeo: defenderGeo
    enrichmentSource: enrichmentSource
    quotaShare: quotaShare
    telemetry: telemetry
    defenderAppId: defenderAppId
    storageRedundancy: storageRedundancy
    deleteLock: deleteLock
    availabilityTest: availabilityTest
    vnetEnabled: vnetEnabled
    alertPollSchedule: alertPollSchedule
    alertPollSeverities: alertPollSeverities
    alertPollStatuses: alertPollStatuses
    alertPollDetectionSources: alertPollDetectionSources
    httpAuthorization: httpAuthorization
    entraClientId: entraClientId
    allowedClientIds: allowedClientIds
    extraSettings: extraSettings
    alertEmail: alertEmail
    oldestWaitingMinutes: oldestWaitingMinutes
    operatorPrincipalId: isOperatedByDeployer ? deployer().objectId : operatorPrincipalId
    operatorPrincipalType: isOperatedByDeployer ? 'User' : operatorPrincipalType
  }
}

// azd keeps these as the variables of the environment: its hooks and the operator's tool read them.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_CLIENT_ID string = resources.outputs.AZURE_CLIENT_ID
output AZURE_IDENTITY_PRINCIPAL_ID string = resources.outputs.AZURE_IDENTITY_PRINCIPAL_ID
output AZURE_FUNCTION_APP_NAME string = resources.outputs.AZURE_FUNCTION_APP_NAME
output AZURE_STORAGE_ACCOUNT_NAME string = resources.outputs.AZURE_STORAGE_ACCOUNT_NAME
output SERVICE_API_NAME string = resources.outputs.AZURE_FUNCTION_APP_NAME
output SERVICE_API_URI string = resources.outputs.SERVICE_API_URI
output ALERTS_QUEUE_SERVICE_URI string = resources.outputs.ALERTS_QUEUE_SERVICE_URI
output ALERTS_TABLE_SERVICE_URI string = resources.outputs.ALERTS_TABLE_SERVICE_URI
output ALERT_POLL_SCHEDULE string = alertPollSchedule
output DEFENDER_CLOUD string = defenderCloud
output ENRICHMENT_SOURCE string = enrichmentSource

// Everything that the app needs, in the resource group that this is deployed to.
// No resource here takes a key: every connection is made by the identity, which holds its data roles on single queues,
// tables and containers. The one permission that Azure Resource Manager cannot grant, Machine.Read.All of the Defender API, is
// given by grant-permissions.sh or grant-permissions.ps1.

@description('Name of the environment. Resource names follow from it.')
@minLength(1)
@maxLength(64)
param environmentName string = 'enrichment'

@description('Region of all resources. It must offer the Flex Consumption plan.')
param location string = resourceGroup().location

@description('Tags of every resource.')
param tags object = {}

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

@description('Queue the alerts come in by. Dead letters go to the queue of the same name with "-poison" at its end.')
@minLength(3)
@maxLength(56)
param alertsQueueName string = 'alerts'

@description('Queue the enrichments go out by.')
@minLength(3)
@maxLength(63)
param enrichmentsQueueName string = 'enrichments'

@description('Table that keeps the enrichment of each alert.')
@minLength(3)
@maxLength(63)
param enrichmentsTableName string = 'AlertEnrichments'

@description('Table that keeps what all instances share, the quota ledger above all.')
@minLength(3)
@maxLength(63)
param stateTableName string = 'EnrichmentState'

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

@minLength(3)
@maxLength(63)
@description('Table of the customers\' tenants; made where defenderAppId is set.')
param tenantsTableName string = 'Tenants'

@description('Part of Defender\'s limits that this app may use, above 0 and up to 1, where others call with the same identity.')
param quotaShare string = '1'

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

@description('With entra: object IDs of the principals that may call; any principal of an allowed application when empty.')
param allowedPrincipalIds array = []

@description('Further settings of the app by name, such as REUSE_FOR or ENRICHMENT_FORMATS. What this template sets itself comes first.')
param extraSettings object = {}

@description('Address of the package to deploy, such as the zip of a release; empty where azd, Core Tools or a workflow deploys it.')
param packageUri string = ''

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

@description('Address space of the virtual network.')
param vnetAddressPrefix string = '10.90.0.0/24'

@description('Addresses of the app\'s instances. Flex Consumption takes one for every instance and some more.')
param appSubnetPrefix string = '10.90.0.0/25'

@description('Addresses of the private endpoints.')
param endpointSubnetPrefix string = '10.90.0.128/26'

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Address that is told when an alert rule fires; empty for none.')
param alertEmail string = ''

@description('Resource IDs of action groups that are told as well.')
param actionGroupIds array = []

@description('Minutes that an alert may wait before a rule fires. A line of 1,500 alerts is one hour long.')
@minValue(1)
param oldestWaitingMinutes int = 60

@description('Object ID of the person or group that operates the app and may read and write its queues and tables; empty for none.')
param operatorPrincipalId string = ''

@description('What the operator is.')
@allowed([
  'User'
  'Group'
  'ServicePrincipal'
])
param operatorPrincipalType string = 'User'

// Only a deployment of several tenants has it.
var tenantsTableNames = empty(defenderAppId) ? [] : [tenantsTableName]

var token = uniqueString(resourceGroup().id, environmentName)
var poisonQueueName = '${alertsQueueName}-poison'

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-enrichment-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    workspaceName: 'log-enrichment-${token}'
    componentName: 'appi-enrichment-${token}'
    location: location
    tags: tags
    retentionDays: logRetentionDays
    principalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'stenrich${token}'
    location: location
    tags: tags
    redundancy: storageRedundancy
    deleteLock: deleteLock
    publicNetworkAccess: vnetEnabled ? 'Disabled' : 'Enabled'
    queueNames: [
      alertsQueueName
      poisonQueueName
      enrichmentsQueueName
    ]
    tableNames: concat([
      enrichmentsTableName
      stateTableName
    ], tenantsTableNames)
  }
}

module network 'modules/network.bicep' = if (vnetEnabled) {
  name: 'network'
  params: {
    name: 'vnet-enrichment-${token}'
    location: location
    tags: tags
    addressPrefix: vnetAddressPrefix
    appSubnetPrefix: appSubnetPrefix
    endpointSubnetPrefix: endpointSubnetPrefix
    storageAccountName: storage.outputs.name
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  params: {
    storageAccountName: storage.outputs.name
    alertsQueueName: alertsQueueName
    poisonQueueName: poisonQueueName
    enrichmentsQueueName: enrichmentsQueueName
    enrichmentsTableName: enrichmentsTableName
    stateTableName: stateTableName
    tenantsTableNames: tenantsTableNames
    hostContainerNames: storage.outputs.hostContainerNames
    deploymentContainerName: storage.outputs.deploymentContainerName
    principalId: identity.outputs.principalId
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
  }
}

module functionApp 'modules/functionApp.bicep' = {
  name: 'function-app'
  params: {
    name: 'func-enrichment-${token}'
    planName: 'plan-enrichment-${token}'
    location: location
    tags: tags
    nodeVersion: nodeVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    updateStrategy: updateStrategy
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobServiceUri: storage.outputs.blobServiceUri
    queueServiceUri: storage.outputs.queueServiceUri
    tableServiceUri: storage.outputs.tableServiceUri
    deploymentContainerName: storage.outputs.deploymentContainerName
    applicationInsightsConnectionString: monitoring.outputs.connectionString
    subnetId: vnetEnabled ? network!.outputs.appSubnetId : ''
    alertsQueueName: alertsQueueName
    enrichmentsQueueName: enrichmentsQueueName
    enrichmentsTableName: enrichmentsTableName
    stateTableName: stateTableName
    defenderCloud: defenderCloud
    defenderGeo: defenderGeo
    enrichmentSource: enrichmentSource
    quotaShare: quotaShare
    telemetry: telemetry
    defenderAppId: defenderAppId
    tenantsTableName: tenantsTableName
    alertPollSchedule: alertPollSchedule
    alertPollSeverities: alertPollSeverities
    alertPollStatuses: alertPollStatuses
    alertPollDetectionSources: alertPollDetectionSources
    httpAuthorization: httpAuthorization
    entraClientId: entraClientId
    allowedClientIds: allowedClientIds
    allowedPrincipalIds: allowedPrincipalIds
    extraSettings: extraSettings
    packageUri: packageUri
  }
  // A host that starts before it may read its queue stops again and again until the roles are there.
  dependsOn: [
    access
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    namePrefix: 'alert-enrichment-${token}'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    componentId: monitoring.outputs.componentId
    availabilityTest: availabilityTest
    livenessUri: '${functionApp.outputs.uri}/api/live'
    email: alertEmail
    actionGroupIds: actionGroupIds
    oldestWaitingMinutes: oldestWaitingMinutes
    pollerIsOn: !empty(alertPollSchedule)
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    displayName: 'Alert enrichment (${environmentName})'
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

output AZURE_CLIENT_ID string = identity.outputs.clientId
output AZURE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output AZURE_FUNCTION_APP_NAME string = functionApp.outputs.name
output AZURE_STORAGE_ACCOUNT_NAME string = storage.outputs.name
output SERVICE_API_URI string = functionApp.outputs.uri
output ALERTS_QUEUE_SERVICE_URI string = storage.outputs.queueServiceUri
output ALERTS_TABLE_SERVICE_URI string = storage.outputs.tableServiceUri

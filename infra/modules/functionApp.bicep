// The function app on a Flex Consumption plan, its settings, and who may call it.

param name string
param planName string
param location string
param tags object
param nodeVersion string
param instanceMemoryMB int
param maximumInstanceCount int
param updateStrategy string

@description('Resource ID of the user-assigned identity.')
param identityId string

@description('Client ID of the identity, which is neither its resource ID nor its principal ID.')
param identityClientId string

param blobServiceUri string
param queueServiceUri string
param tableServiceUri string
param deploymentContainerName string
param applicationInsightsConnectionString string

@description('Subnet of the instances; empty for none.')
param subnetId string

param alertsQueueName string
param enrichmentsQueueName string
param enrichmentsTableName string
param stateTableName string
param defenderCloud string
param defenderGeo string
param enrichmentSource string
param quotaShare string
param telemetry string
param defenderAppId string
param tenantsTableName string
param alertPollSchedule string
param alertPollSeverities string
param alertPollStatuses string
param alertPollDetectionSources string
param httpAuthorization string
param entraClientId string
param allowedClientIds string
param allowedPrincipalIds array
param extraSettings object

@description('Address of the package to deploy; empty for none.')
param packageUri string

var sourceSettings = empty(defenderGeo) ? {} : {
  DEFENDER_GEO: defenderGeo
}

var tenantSettings = empty(defenderAppId) ? {} : {
  DEFENDER_APP_ID: defenderAppId
  TENANTS_TABLE: tenantsTableName
}

var pollSchedule = empty(alertPollSchedule) ? {} : {
  ALERT_POLL_SCHEDULE: alertPollSchedule
}
var pollSeverities = empty(alertPollSeverities) ? {} : {
  ALERT_POLL_SEVERITIES: alertPollSeverities
}
var pollStatuses = empty(alertPollStatuses) ? {} : {
  ALERT_POLL_STATUSES: alertPollStatuses
}
var pollDetectionSources = empty(alertPollDetectionSources) ? {} : {
  ALERT_POLL_DETECTION_SOURCES: alertPollDetectionSources
}

var fixedSettings = {
  // The host's own storage: blobs are all that it needs of it.
  AzureWebJobsStorage__blobServiceUri: blobServiceUri
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  // Queues and tables: read by the trigger and by the app alike.
  AlertsStorage__queueServiceUri: queueServiceUri
  AlertsStorage__tableServiceUri: tableServiceUri
  AlertsStorage__credential: 'managedidentity'
  AlertsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
  AZURE_CLIENT_ID: identityClientId
  ALERTS_QUEUE: alertsQueueName
  ENRICHMENTS_QUEUE: enrichmentsQueueName
  ENRICHMENTS_TABLE: enrichmentsTableName
  STATE_TABLE: stateTableName
  DEFENDER_CLOUD: defenderCloud
  DEFENDER_QUOTA_SHARE: quotaShare
  ENRICHMENT_SOURCE: enrichmentSource
  HTTP_AUTHORIZATION: httpAuthorization
  TELEMETRY: telemetry
}

var settings = union(extraSettings, fixedSettings, sourceSettings, tenantSettings, pollSchedule, pollSeverities, pollStatuses, pollDetectionSources)

// Checks the tokens of callers. It signs nobody in, so it needs no secret.
var tokenChecks = {
  platform: {
    enabled: true
  }
  globalValidation: {
    requireAuthentication: true
    unauthenticatedClientAction: 'Return401'
    excludedPaths: [
      '/api/live'
    ]
  }
  httpSettings: {
    requireHttps: true
  }
  identityProviders: {
    azureActiveDirectory: {
      enabled: true
      registration: {
        clientId: entraClientId
        openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
      }
      validation: {
        allowedAudiences: [
          entraClientId
          'api://${entraClientId}'
        ]
        defaultAuthorizationPolicy: {
          allowedApplications: split(empty(allowedClientIds) ? entraClientId : allowedClientIds, ',')
          allowedPrincipals: empty(allowedPrincipalIds) ? null : {
            identities: allowedPrincipalIds
          }
        }
      }
    }
  }
  login: {
    tokenStore: {
      enabled: false
    }
  }
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  // azd finds the app that it deploys a service to by this tag.
  tags: union(tags, {
    'azd-service-name': 'api'
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      runtime: {
        name: 'node'
        version: nodeVersion
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
      // Documented for this version of the API, and missing in the types that the compiler knows.
      #disable-next-line BCP037
      siteUpdateStrategy: {
        type: updateStrategy
      }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${blobServiceUri}${deploymentContainerName}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      appSettings: [for setting in items(settings): {
        name: setting.key
        value: setting.value
      }]
    }
  }
}

resource packageDeployment 'Microsoft.Web/sites/extensions@2024-11-01' = if (!empty(packageUri)) {
  parent: app
  name: 'onedeploy'
  #disable-next-line BCP187
  properties: {
    packageUri: packageUri
    remoteBuild: false
  }
}

// Publishing goes by Microsoft Entra ID: no publishing password works.
resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

// Also there with function keys: a deployment takes nothing away, so what it leaves out would stay on.
resource authentication 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: httpAuthorization == 'entra' ? tokenChecks : {
    platform: {
      enabled: false
    }
  }
}

output name string = app.name
output uri string = 'https://${app.properties.defaultHostName}'

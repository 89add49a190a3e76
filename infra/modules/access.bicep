// Who may do what with which queue, table and container. Nobody holds a data role on the whole account.

param storageAccountName string
param alertsQueueName string
param poisonQueueName string
param enrichmentsQueueName string
param enrichmentsTableName string
param stateTableName string

@description('The table of customers\' tenants, or none.')
param tenantsTableNames array
param hostContainerNames array
param deploymentContainerName string

@description('Principal of the app.')
param principalId string

@description('Principal of the operator; empty for none.')
param operatorPrincipalId string
param operatorPrincipalType string

// Built-in roles: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/storage
var reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7'
var queueDataContributor = '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
var queueDataMessageSender = 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
var queueDataReader = '19e7f393-937e-4f77-808e-94535e297925'
var tableDataReader = '76199698-9eea-4c19-bc75-cec21354c6b6'
var tableDataContributor = '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
var blobDataContributor = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'

// The trigger reads, takes and deletes messages; it also renews and releases them, and the app puts them back with a
// delay. Both ask for messages/write, which the roles that are documented for the trigger lack.
module alertsRole 'queueRole.bicep' = {
  name: 'app-alerts'
  params: {
    storageAccountName: storageAccountName
    queueName: alertsQueueName
    roleId: queueDataContributor
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// The app and the host only ever add to these.
module addingRoles 'queueRole.bicep' = [for (queueName, index) in [poisonQueueName, enrichmentsQueueName]: {
  name: 'app-adds-${index}'
  params: {
    storageAccountName: storageAccountName
    queueName: queueName
    roleId: queueDataMessageSender
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

// The health check asks how long they are, which adding does not permit.
module lookingRoles 'queueRole.bicep' = [for (queueName, index) in [poisonQueueName, enrichmentsQueueName]: {
  name: 'app-looks-${index}'
  params: {
    storageAccountName: storageAccountName
    queueName: queueName
    roleId: queueDataReader
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

module enrichmentsTableRole 'tableRole.bicep' = {
  name: 'app-enrichments-table'
  params: {
    storageAccountName: storageAccountName
    tableName: enrichmentsTableName
    roleId: tableDataContributor
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

module stateTableRole 'tableRole.bicep' = {
  name: 'app-state-table'
  params: {
    storageAccountName: storageAccountName
    tableName: stateTableName
    roleId: tableDataContributor
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Which tenants are served, and who acts for them, the app reads and only the operator writes.
module tenantsTableRole 'tableRole.bicep' = [for (tableName, index) in tenantsTableNames: {
  name: 'app-tenants-table-${index}'
  params: {
    storageAccountName: storageAccountName
    tableName: tableName
    roleId: tableDataReader
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

// The role that Microsoft documents for the host's own storage:
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
module hostRoles 'containerRole.bicep' = [for (containerName, index) in hostContainerNames: {
  name: 'app-host-${index}'
  params: {
    storageAccountName: storageAccountName
    containerName: containerName
    roleId: blobDataOwner
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

// Every 30 seconds the host lists the account's containers to see whether its storage answers, which no role on a
// container permits. Reader has containers/read and no data action, so it opens no blob, message or row:
// https://learn.microsoft.com/rest/api/storageservices/list-containers2#permissions
resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageAccountName
}

resource hostHealthRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(account.id, principalId, reader)
  scope: account
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', reader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// The platform stores and fetches the package in the app's name.
module deploymentRole 'containerRole.bicep' = {
  name: 'app-deployments'
  params: {
    storageAccountName: storageAccountName
    containerName: deploymentContainerName
    roleId: blobDataContributor
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// The operator's tool looks into queues and tables, replays dead letters and proves each permission.
module operatorQueueRoles 'queueRole.bicep' = [for (queueName, index) in [alertsQueueName, poisonQueueName, enrichmentsQueueName]: if (!empty(operatorPrincipalId)) {
  name: 'operator-queue-${index}'
  params: {
    storageAccountName: storageAccountName
    queueName: queueName
    roleId: queueDataContributor
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
  }
}]

module operatorTableRoles 'tableRole.bicep' = [for (tableName, index) in concat([enrichmentsTableName, stateTableName], tenantsTableNames): if (!empty(operatorPrincipalId)) {
  name: 'operator-table-${index}'
  params: {
    storageAccountName: storageAccountName
    tableName: tableName
    roleId: tableDataContributor
    principalId: operatorPrincipalId
    principalType: operatorPrincipalType
  }
}]

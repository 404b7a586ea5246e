metadata description = 'Who may put messages into one queue, and into no other.'

@description('Required. Name of the storage account.')
param account string
@description('Required. Name of the queue.')
param queueName string
@description('Required. Principal id of the identity.')
param principalId string

var roles = loadJsonContent('roles.json')

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: account
}

resource queues 'Microsoft.Storage/storageAccounts/queueServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-06-01' existing = {
  parent: queues
  name: queueName
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: queue
  name: guid(queue.id, principalId, roles['Storage Queue Data Message Sender'])
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Queue Data Message Sender'])
  }
}

metadata description = 'Who may write into one container, and into no other of its account.'

@description('Required. Name of the storage account.')
param account string
@description('Required. Name of the container.')
param container string
@description('Required. Principal id of the identity.')
param principalId string

var roles = loadJsonContent('roles.json')

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: account
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2025-06-01' existing = {
  parent: storage
  name: 'default'
}

resource place 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-06-01' existing = {
  parent: blobs
  name: container
}

resource assignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: place
  name: guid(place.id, principalId, roles['Storage Blob Data Contributor'])
  properties: {
    principalId: principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Storage Blob Data Contributor'])
  }
}

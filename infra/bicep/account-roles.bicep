metadata description = 'What an identity may do with the data of a storage account.'

@description('Required. Name of the storage account, in the resource group of this deployment.')
param account string
@description('Required. Principal id of the identity.')
param principalId string
@description('Required. Names of the roles, as in roles.json.')
param roleNames array

var roles = loadJsonContent('roles.json')

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: account
}

resource assignments 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in roleNames: {
    scope: storage
    name: guid(storage.id, principalId, roles[role])
    properties: {
      principalId: principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[role])
    }
  }
]

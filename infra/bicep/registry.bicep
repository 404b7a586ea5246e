metadata description = 'The registry of the job\'s image.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Principal id of the identity that pulls.')
param pullerId string

var roles = loadJsonContent('roles.json')

resource registry 'Microsoft.ContainerRegistry/registries@2025-11-01' = {
  name: 'cr${token}'
  location: location
  tags: tags
  sku: {
    name: 'Basic'
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
  }
}

resource pull 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: registry
  name: guid(registry.id, pullerId, roles.AcrPull)
  properties: {
    principalId: pullerId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.AcrPull)
  }
}

@description('Host name of the registry.')
output server string = registry.properties.loginServer

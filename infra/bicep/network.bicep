metadata description = 'A network of our own: one subnet for the Functions app, one for the job, one for storage\'s private endpoints.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Address ranges: of the network, and of its subnets functions, jobs and endpoints.')
param ranges object

resource network 'Microsoft.Network/virtualNetworks@2025-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [ranges.network]
    }
    subnets: [
      {
        name: 'functions'
        properties: {
          addressPrefix: ranges.functions
          delegations: [
            {
              name: 'functions'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'jobs'
        properties: {
          addressPrefix: ranges.jobs
          delegations: [
            {
              name: 'jobs'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: ranges.endpoints
        }
      }
    ]
  }
}

resource functions 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'functions'
}

resource jobs 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'jobs'
}

resource endpoints 'Microsoft.Network/virtualNetworks/subnets@2025-05-01' existing = {
  parent: network
  name: 'endpoints'
}

@description('Resource id of the network.')
output id string = network.id
@description('Subnet of the Functions app.')
output functionsSubnetId string = functions.id
@description('Subnet of the container job.')
output jobsSubnetId string = jobs.id
@description('Subnet of the private endpoints.')
output endpointsSubnetId string = endpoints.id

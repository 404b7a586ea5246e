metadata description = 'Private endpoints of the storage account, and the names by which our network finds them.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Resource id of the network.')
param networkId string
@description('Required. Subnet of the endpoints.')
param subnetId string
@description('Required. Resource id of the storage account.')
param accountId string

var services = ['blob', 'queue', 'table']

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for service in services: {
    name: 'privatelink.${service}.${environment().suffixes.storage}'
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (service, place) in services: {
    parent: zones[place]
    name: 'link'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2025-05-01' = [
  for service in services: {
    name: 'pe-${service}-${token}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: service
          properties: {
            privateLinkServiceId: accountId
            groupIds: [service]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-05-01' = [
  for (service, place) in services: {
    parent: endpoints[place]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: service
          properties: {
            privateDnsZoneId: zones[place].id
          }
        }
      ]
    }
  }
]

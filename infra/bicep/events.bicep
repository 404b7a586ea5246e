metadata description = 'Tells the Functions app of every blob that lands or goes away: Event Grid puts it into a queue, by its own identity.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Name of the storage account.')
param account string
@description('Required. Container of the deployed code, which nobody labels.')
param packageContainer string

var layout = loadJsonContent('../../labeling/layout.json')
var anyContainer = '/blobServices/default/containers/'
// Nobody labels what the system writes itself: the host writes once a minute. `datasets` is ours, and
// labeled; in its place stands the prefix of the host's own containers.
var unwatched = [for one in items(layout.containers): '${anyContainer}${one.key == 'datasets' ? 'azure-webjobs-' : '${one.value}/'}']

resource storage 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: account
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: 'evgt-${token}'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    source: storage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

module sender 'queue-roles.bicep' = {
  name: 'events-sender'
  params: {
    account: account
    queueName: layout.queues.blob_events
    principalId: topic.identity.principalId
  }
}

resource blobs 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: topic
  name: 'blobs'
  dependsOn: [sender]
  properties: {
    eventDeliverySchema: 'EventGridSchema'
    deliveryWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      destination: {
        endpointType: 'StorageQueue'
        properties: {
          resourceId: storage.id
          queueName: layout.queues.blob_events
          queueMessageTimeToLiveInSeconds: 604800
        }
      }
    }
    filter: {
      includedEventTypes: [
        'Microsoft.Storage.BlobCreated'
        'Microsoft.Storage.BlobDeleted'
      ]
      advancedFilters: [
        {
          operatorType: 'StringNotBeginsWith'
          key: 'subject'
          values: concat(unwatched, ['${anyContainer}${packageContainer}/'])
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
  }
}

@description('Name of the topic.')
output topic string = topic.name

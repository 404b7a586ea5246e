metadata description = 'The static site: serves the pages, signs people in, and passes /api on to the Functions app.'

@description('Required. Makes names unique.')
param token string
@description('Required. Region it is managed from.')
param location string
@description('Required. Tags of every resource.')
param tags object
@description('Required. Client id of the sign-in registration; empty for the provider that comes with the site.')
param signInClientId string
@description('Required. Secret of the sign-in registration.')
@secure()
param signInClientSecret string

resource site 'Microsoft.Web/staticSites@2025-03-01' = {
  name: 'stapp-${token}'
  location: location
  tags: union(tags, { 'azd-service-name': 'web' })
  sku: {
    name: 'Standard' // the free one has no linked backend
    tier: 'Standard'
  }
  properties: {
    allowConfigFileUpdates: true
    stagingEnvironmentPolicy: 'Disabled' // a backend is linked to production alone
  }
}

resource signIn 'Microsoft.Web/staticSites/config@2025-03-01' = if (!empty(signInClientId)) {
  parent: site
  name: 'appsettings'
  properties: {
    SIGN_IN_CLIENT_ID: signInClientId
    SIGN_IN_CLIENT_SECRET: signInClientSecret // the site can't sign in by identity yet
  }
}

@description('Name of the site.')
output name string = site.name
@description('Host name of the site.')
output host string = site.properties.defaultHostname
@description('Address of the site.')
output url string = 'https://${site.properties.defaultHostname}'

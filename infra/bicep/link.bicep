metadata description = 'Links the Functions app to the site, and lets nothing but the site in: what makes the header that names the caller trustworthy.'

@description('Required. Name of the static site.')
param site string
@description('Required. Host name of the static site.')
param siteHost string
@description('Required. Name of the Functions app.')
param functionsApp string
@description('Required. Region of the Functions app.')
param location string
@description('Required. Paths that ask for no sign-in, because a key of their own guards them.')
param openPaths array

resource staticSite 'Microsoft.Web/staticSites@2025-03-01' existing = {
  name: site
}

resource app 'Microsoft.Web/sites@2025-03-01' existing = {
  name: functionsApp
}

resource backend 'Microsoft.Web/staticSites/linkedBackends@2025-03-01' = {
  parent: staticSite
  name: 'backend' // one a site: another name would be a second one
  properties: {
    backendResourceId: app.id
    region: location
  }
}

resource signIn 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  dependsOn: [backend]
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: true
      unauthenticatedClientAction: 'Return401'
      excludedPaths: openPaths
    }
    identityProviders: {
      azureStaticWebApps: {
        enabled: true
        registration: {
          clientId: siteHost
        }
      }
    }
  }
}

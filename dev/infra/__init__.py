"""Checks of `infra/bicep/` that need no subscription, and what prepares a deployment."""

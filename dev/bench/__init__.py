"""Budgets of docs/architecture.md, measured: `make bench`."""

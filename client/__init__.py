"""Labelry from a script: a typed client of its HTTP API, and the command `labelry`."""

from .api import Api, ApiError, connect

__all__ = ["Api", "ApiError", "connect"]

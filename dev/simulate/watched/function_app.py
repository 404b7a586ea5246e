"""The product as it is, only that the log tells lost races."""

from dev.simulate.real import real_app

app = real_app()

"""The product as it is, on a bad day."""

from dev.simulate.faults import break_everything
from dev.simulate.real import real_app

break_everything()
app = real_app()

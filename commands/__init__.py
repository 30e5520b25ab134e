"""What people may ask for: one class per business act. Knows the aggregates, not the service.

Every module of this package is imported with it, so that a new act is known by being written.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

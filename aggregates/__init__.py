"""What can happen, and what each happening changes. Knows nothing of HTTP, SQL, JSON or clocks.

Every module of this package is imported with it, so that a new fact is known by being written.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

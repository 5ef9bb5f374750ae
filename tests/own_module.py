"""A module of one's own that is written, imported and edited while a test runs."""

import importlib
import linecache
import sys


class OwnModules:
    """Writes modules into a directory; each time they are imported anew."""

    def __init__(self, directory):
        self.directory = directory

    def write(self, **texts):
        """Write modules by their names, with slashes where they lie in a package."""
        for name, text in texts.items():
            path = self.directory / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.forget()

    def forget(self):
        """Forget what was imported from here, as a new process would know nothing of it."""
        for name, module in list(sys.modules.items()):
            if (getattr(module, "__file__", None) or "").startswith(str(self.directory)):
                del sys.modules[name]
        importlib.invalidate_caches()
        linecache.clearcache()

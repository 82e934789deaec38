"""The app and the command line: composes backends and widgets."""

__version__ = "0.1.0"

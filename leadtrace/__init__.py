"""The front door: commands, settings and the wiring of the run modes. It imports every room below."""

__version__ = "0.1.0"

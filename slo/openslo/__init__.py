"""OpenSLO files: read, checked as the official SDK checks them, and turned into objectives."""

"""Deploys: what can be rolled out, and its runs, each in a process of its own with its journal on disk."""

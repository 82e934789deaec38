"""Chaos over the demo: what stands on the dashboard's screen afterwards is what the servers themselves say."""

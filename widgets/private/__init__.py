"""What Textual keeps private, and we need: nothing outside this folder touches it.

Each is guarded, so that an upgrade loses it quietly.
"""

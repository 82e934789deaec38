"""What Textual keeps private, and we need: nothing outside this folder touches it.

What replaces a part of Textual looks first whether that part is still there. The classes build on what they name:
an upgrade that takes it away fails in the first test that opens a screen.
"""

"""The verbs: midwatch without the screen. Each imports no more than it needs, and never textual."""

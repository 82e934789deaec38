"""All that touches the outside, and all that a script could use. Draws nothing: no textual, no rich."""

"""Logs: which lines there are, followed without loss, and what a line says. Draws and searches nothing."""

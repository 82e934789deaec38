"""Metrics: queries, targets and alerts of a metrics server, and which charts a context shows. Draws nothing."""

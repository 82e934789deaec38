"""The seam: what a backend is, what it yields, and who keeps it honest. Read by everyone."""

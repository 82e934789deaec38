"""Clusters: who belongs to one and how it is, and what has registered in it. One backend a system; reads only."""

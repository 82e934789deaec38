"""Processes of this host, the supervisors that keep them running, and the signals that can be sent to them."""

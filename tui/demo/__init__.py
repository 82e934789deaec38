"""`midwatch demo`: a small production of real servers on loopback, without root and without a trace."""

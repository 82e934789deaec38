"""The Logs screen, its title, and the ways to lines that are not in memory."""

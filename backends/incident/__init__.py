"""What the feeds say together: what changed, what is wrong, what brought it about. Asks no server itself."""

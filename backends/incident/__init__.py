"""What the feeds say together: what changed, what is wrong, what an action would mean. Asks no server itself."""

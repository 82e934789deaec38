"""What is drawn. Knows the nouns of `backends.api`, never a backend."""

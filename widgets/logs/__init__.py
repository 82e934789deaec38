"""Log lines on the screen: which rows there are, in which order, where each stands, and what is looked for."""

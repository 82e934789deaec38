"""What stands between masthead and footer: one file a view, and what views are made of. Changes nothing."""

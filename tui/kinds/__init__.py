"""How each noun is shown, and what JSON scripts get of it: one file a kind, all of them listed in `known`, and
what several of them say alike. Pure: rows in, texts, looks and JSON out."""

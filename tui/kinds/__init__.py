"""How each noun is shown: one file a noun, all of them listed in `known`. Pure: rows in, texts and looks out."""

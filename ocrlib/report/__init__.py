"""Pictures and pages about a finished dataset or run; nothing here imports what made them."""

"""The log that holds us to what was promised: its tree, its entries, what a day adds to it."""

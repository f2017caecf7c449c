"""The page for people who click, and the server on this machine that paints for it."""

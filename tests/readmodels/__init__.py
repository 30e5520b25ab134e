"""Read models: what holds for every one of them, and what the first four say."""

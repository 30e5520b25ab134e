"""师宗县: every goal through five stages, and what follows from each of the four grades."""

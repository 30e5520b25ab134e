"""演示: three offices' published year, replayed through the acts and held against the papers."""

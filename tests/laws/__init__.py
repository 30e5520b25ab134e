"""What always holds, whatever anybody asks, in whatever order."""

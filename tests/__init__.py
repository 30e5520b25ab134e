"""What must be true: stories (rules), laws (what always holds), doors, read models, proofs."""

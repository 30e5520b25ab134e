"""HTTP 接口: what other systems say to a ledger, and what it answers them."""

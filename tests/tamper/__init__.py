"""Change anything in a sealed ledger at random: what is not found out?"""

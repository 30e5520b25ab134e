"""常宁市: a road cleaned for less, and money that an association was ordered to recover."""

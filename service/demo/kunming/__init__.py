"""昆明经开区: 665 projects reviewed, 18 evaluated, and money stopped and resumed."""

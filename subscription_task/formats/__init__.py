"""How numbers and times are shown to people, by the language; what each language has is in a module of its name."""

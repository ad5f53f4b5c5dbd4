"""The nouns: Network, Demands, Routes, Results, and what is measured on them."""

"""Ten clients learn scikit-learn's digits; two of them are hostile."""

"""The derivations of the claims, one module each, named by the slug: numbered lemmas with what checks each."""

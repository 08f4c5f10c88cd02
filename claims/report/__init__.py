"""The reports: their pages, the sections on the claims, the text and the charts in them."""

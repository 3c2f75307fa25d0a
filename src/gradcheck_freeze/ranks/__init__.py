"""Makes one report of many processes that train together: they leave files, and one of them merges these."""

"""What the HTML page is made of: its parts in Python, its template, style sheet and script."""

"""`cefmp4 doctor`: is everything there that the daemon needs, and what is to be mended?

Each module examines one thing and tells it in rows. What must stay true: nothing is left
behind, nothing that works is disturbed, no secret is shown, and every row that failed says
how to mend it.
"""

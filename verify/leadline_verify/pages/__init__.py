"""Pages of a standby that amcheck calls damaged. It uses the extension where it is there, and never creates it.

``relations``  the tables and indexes that are checked, the functions that check them, and what is missing. Pure
``checking``   runs the checks, and names what is damaged
"""

"""Reports of an audit, for people and for programs. Pure: the same report gives the same text.

``text``  lines for a terminal of 80 columns
"""

"""What the judgement knows of each engine, one package each.

``postgresql``  PostgreSQL 13 to 18
"""

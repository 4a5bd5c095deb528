"""Engines of the judgement, one package each.

``postgresql``  PostgreSQL 13 to 18
"""

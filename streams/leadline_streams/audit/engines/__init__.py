"""Audit rules, a folder for each database engine.

``postgresql``  PostgreSQL 13 and later
"""

"""Telling people: route, deliver, record, show."""

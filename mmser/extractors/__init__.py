"""Clip -> one (time, feature) array. Every extractor is a frozen config and a pure function of its
clips.
"""

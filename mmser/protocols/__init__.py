"""Protocols: how a corpus is evaluated, from its manifest to a fold assignment.

In comes a manifest (one row per utterance), out goes a table of (utterance, fold) with split and
label, which is saved with every run. A config names the label map, the counts of the published
corpus and a fold plan, a class of one of the files here. Start at `mmser.protocols.protocol`, then
`mmser.protocols.plan`; `mmser.protocols.guard` holds the rules that no plan can break.
"""

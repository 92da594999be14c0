"""A trained run comes in; what it gives beside its predictions goes out as tables.

One file a product: attention, change and weights of layers, transcripts, annotators, frames,
distances of domains. Start reading at `mmser.evaluation.byproducts.attention`.
"""

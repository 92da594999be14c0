"""Functions of tensors that several losses share; each knows neither model nor batch."""

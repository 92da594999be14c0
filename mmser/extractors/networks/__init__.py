"""Pretrained networks in use: device and precision, exactness in batches and in bfloat16."""

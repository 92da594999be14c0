"""OpenAI's Whisper over windows of many clips at once, with the words that it finds one by one."""

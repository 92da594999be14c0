"""Speech recognisers: one file each, all fulfilling `mmser.core.contracts.Transcriber`."""

"""StatisticsGen: TFDV's statistics for each split."""
